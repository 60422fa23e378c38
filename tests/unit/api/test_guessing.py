"""Whoever tries seeds against the answers of the platform finds none: the code that draws from them is public."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.competition_file import parse_competition_file
from core.db.models.contests import Competition
from core.db.models.problems import EvaluationSpec, Problem
from core.db.session import transaction
from core.domain.submission import Verdict
from core.problem_files import find_problem
from core.problems import ProblemSpec
from core.scorecard import parse_scorecard
from core.terms import hash_terms, write_terms
from tests import factories
from tests.hidden_problems import expose
from tests.scorecard_bodies import make_scorecard_body
from tests.unit.api.conftest import Login
from tests.unit.api.crawl import NOBODY, Place, read_everything
from worker.problems import load_problem
from worker.report.page import Report, render_report

SEEDS = 10**6
DRAWS = 40  # of forget sets, which take milliseconds each
SHORT = 12  # digits of a digest that a page shows
SMALL = {"split": 617_283, "forget": 17, "pools": 271_828}  # all of them among those that are tried


@dataclass(frozen=True)
class Contest:
    spec: ProblemSpec
    place: Place
    ann: Login


def make_small() -> ProblemSpec:
    """Hidden, with the seeds that releases before 0.2 took."""
    hidden = expose(find_problem("digits"), "public")
    parts = {name: getattr(hidden, name).model_copy(update={"seed": seed}) for name, seed in SMALL.items()}
    return hidden.model_copy(update=parts)


def make_contest(client: TestClient, engine: Engine, ann: Login, spec: ProblemSpec) -> Contest:
    """A competition with one scored submission, as a worker leaves it: every digest is that of the problem."""
    manifest = load_problem(spec).manifest
    terms = write_terms(spec)
    with transaction(engine) as session:
        request = {"kind": manifest.kind, "count": manifest.count, "digest": manifest.digest}
        problem = Problem(slug=spec.slug, digest=spec.digest, spec=spec.model_dump(mode="json"), manifest=request)
        session.add(problem)
        session.flush()
        row = EvaluationSpec(digest=hash_terms(terms), problem_id=problem.id, body=terms)
        session.add(row)
        session.flush()
        competition = Competition(slug=spec.slug, title=spec.title, state="open", spec_id=row.id)
        session.add(competition)
        session.flush()
        card = make_scorecard_body()
        digests = {"spec_digest": row.digest, "problem_digest": spec.digest, "manifest_digest": manifest.digest}
        card["provenance"] |= digests | {
            "pool_digests": dict.fromkeys(("original", "retrained", "control"), spec.digest)
        }
        report = Report(
            title="a.py",
            problem=spec.title,
            verdict=Verdict.SCORED,
            record=parse_scorecard(card),
            commitment_key=competition.commitment_key,
        )
        card["report_digest"] = client.app.state.store.put(render_report(report).encode())  # type: ignore[attr-defined]
        submission = factories.make_submission(session, competition, ann.user)
        factories.make_evaluation(session, submission, verdict="scored", card=card, score=0.5, relative_runtime=0.05)
        return Contest(spec, Place(spec.slug, submission.id), ann)


def harvest(client: TestClient, contest: Contest, headers: Mapping[str, str]) -> set[str]:
    """The beginning of everything in any answer, its head included, that looks like a digest."""
    found: set[str] = set()
    for _, answer in read_everything(client, headers, contest.place):
        told = "\n".join([answer.text, *map(str, answer.headers.values())])
        found |= {text[:SHORT] for text in re.findall(rf"[0-9a-f]{{{SHORT},}}", told)}
    assert len(found) > 10
    return found


def hash_problems(spec: ProblemSpec, part: str) -> Iterator[tuple[int, str]]:
    """Digest of the problem under every seed of one part; what stands before the seed is hashed once."""
    before, after = split_at_seed(spec.model_dump(mode="json"), part)
    begun = hashlib.sha256(before)
    for seed in range(SEEDS):
        body = begun.copy()
        body.update(b"%d%b" % (seed, after))
        yield seed, body.hexdigest()


def split_at_seed(problem: dict[str, Any], part: str) -> tuple[bytes, bytes]:
    """The canonical JSON before and after the seed of one part."""
    mark = 123_456_789_123
    changed = {**problem, part: {**problem[part], "seed": mark}}
    before, _, after = json.dumps(changed, sort_keys=True, separators=(",", ":")).partition(str(mark))
    return before.encode(), after.encode()


def attack(spec: ProblemSpec, seen: set[str]) -> dict[str, tuple[int, str]]:
    """Seeds that are found, and by which digest: each by whoever knows the problem but for this one seed."""
    found: dict[str, tuple[int, str]] = {}
    for part in SMALL:
        hits = [(seed, digest[:SHORT]) for seed, digest in hash_problems(spec, part) if digest[:SHORT] in seen]
        found |= {f"{part} from the problem": hit for hit in hits}
    for seed in range(DRAWS):
        asked = spec.forget.model_copy(update={"seed": seed})
        guess = spec.model_copy(update={"forget": asked})
        for what, digest in (
            ("spec", hash_terms(write_terms(guess))),
            ("examples", load_problem(guess).manifest.digest),
        ):
            if digest[:SHORT] in seen:
                found[f"forget from the {what}"] = seed, digest[:SHORT]
    return found


@pytest.mark.timeout(120)
def test_no_seed_is_found_from_what_an_outsider_and_a_participant_can_read(
    client: TestClient, engine: Engine, login: Callable[..., Login]
) -> None:
    """With seeds as small as releases before 0.2 took them: only the key stands between the answers and the guesses."""
    contest = make_contest(client, engine, login("ann"), make_small())
    outside = harvest(client, contest, NOBODY) | harvest(client, contest, contest.ann.headers)
    inside = harvest(client, contest, login("root", "admin").headers)
    found = attack(contest.spec, outside | inside)
    # staff see plain digests, in which the same guesses are right: the attack works, where it has something to compare
    forget = {f"forget from the {what}": SMALL["forget"] for what in ("spec", "examples")}
    wanted = {f"{part} from the problem": seed for part, seed in SMALL.items()} | forget
    assert {name: seed for name, (seed, _) in found.items()} == wanted
    assert [name for name, (_, digest) in found.items() if digest in outside] == []


def test_seeds_that_are_drawn_are_none_of_those_that_can_be_tried(
    client: TestClient, engine: Engine, login: Callable[..., Login]
) -> None:
    values = find_problem("digits").model_dump(mode="json") | {"exposure": "public"}
    bare = {part: {name: value for name, value in values[part].items() if name != "seed"} for part in SMALL}
    spec = parse_competition_file(values | bare, source="a file").problem
    contest = make_contest(client, engine, login("ann"), spec)
    inside = harvest(client, contest, login("root", "admin").headers)
    assert spec.digest[:SHORT] in inside
    assert next((seed for seed, digest in hash_problems(spec, "pools") if digest[:SHORT] in inside), None) is None
    assert not {part: seed for part, seed in spec.seeds.items() if seed < 2**64}
