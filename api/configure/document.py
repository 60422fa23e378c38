"""The competition file of what there is: of a competition, or of a problem that comes with the platform."""

from typing import Any

from sqlalchemy.orm import Session

from api.configure.service import suggest
from core.competition_file import SECTION, draw_seed, make_plain
from core.db.models.contests import Competition
from core.db.queries import competitions, rules
from core.domain.competition_settings import SETTINGS
from core.domain.errors import InvalidInput, NotFound
from core.domain.seeds import write_seed
from core.problem_files import find_problem, list_problems
from core.problems import ProblemSpec

SEEDS = (("split", "seed"), ("forget", "seed"), ("pools", "seed"))


def find_start(session: Session, start: str) -> dict[str, Any]:
    """start: `problem:NAME` that comes with the platform, `competition:SLUG`, or `copy:SLUG` for another like it."""
    kind, _, name = start.partition(":")
    if kind == "competition":
        return make_document(session, name)
    if kind == "copy":
        return copy_document(session, name)
    if kind != "problem" or name.endswith(".toml"):
        raise InvalidInput("begin with `problem:NAME`, `competition:SLUG` or `copy:SLUG`", field="start")
    return start_document(session, name)


def list_starts(session: Session) -> list[tuple[str, str]]:
    """What there is to begin with, and how it is called."""
    shipped = [(f"problem:{spec.slug}", f"{spec.title}, which comes with the platform") for spec in list_problems()]
    return shipped + [(f"competition:{row.slug}", row.title) for row in competitions.fetch_competitions(session)]


def make_document(session: Session, slug: str) -> dict[str, Any]:
    """Applying it changes nothing. Its phases are left out, as a file without them leaves them alone."""
    row = competitions.fetch_competition(session, slug)
    if row is None:
        raise NotFound(f"no competition named {slug!r}")
    document = _describe_problem(row.spec.terms.problem) | {"title": row.title, "summary": row.summary}
    return document | {SECTION: _describe_own(session, row)}


def start_document(session: Session, name: str) -> dict[str, Any]:
    """Another competition on a shipped problem: under a name that is free, and with seeds nobody has seen."""
    spec = find_problem(name)
    slug = spec.slug
    while competitions.fetch_competition(session, slug) is not None:
        slug = suggest(slug)
    return draw_seeds(_describe_problem(spec) | {"slug": slug, SECTION: {"draft": True}})


def copy_document(session: Session, slug: str) -> dict[str, Any]:
    """Another competition with the same problem and settings: a draft, a free name, seeds nobody has seen."""
    document = make_document(session, slug)
    while competitions.fetch_competition(session, slug) is not None:
        slug = suggest(slug)
    own = {name: value for name, value in document[SECTION].items() if name != "closes_at"}
    return draw_seeds(document | {"slug": slug, SECTION: own | {"draft": True}})


def draw_seeds(document: dict[str, Any]) -> dict[str, Any]:
    """The same with every seed drawn anew; a hidden split must not be one that anybody can guess."""
    drawn = dict(document)
    for part, name in SEEDS:
        if part != "forget" or "requests" not in document:
            drawn[part] = {**drawn.get(part, {}), name: write_seed(draw_seed())}
    if "requests" in document:
        drawn["requests"] = [{**each, "seed": write_seed(draw_seed())} for each in document["requests"]]
    return drawn


def _describe_problem(spec: ProblemSpec) -> dict[str, Any]:
    document = spec.model_dump(mode="json", exclude_none=True)
    if further := document.pop("further", None):
        document["requests"] = [document.pop("forget"), *further]
    data = document["data"]
    if spec.data.reference:
        options = {name: value for name, value in data["options"].items() if name != "set"}
        document["data"] = {"set": spec.data.reference, "options": options}
    return document


def _describe_own(session: Session, row: Competition) -> dict[str, Any]:
    newest = rules.fetch_rules(session, row.id)
    found: dict[str, Any] = make_plain({each.name: each.write_number(getattr(row, each.name)) for each in SETTINGS})
    found["open"] = "by hand" if row.opens_by_hand else "by itself"
    found["rules"] = newest.text if newest else None
    found["overview"] = row.overview or None
    return {name: value for name, value in found.items() if value is not None}
