"""Apply a competition file: what differs, what follows from it, and whether scores forbid it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from api.competitions.standing import check_locks
from api.configure.planning import find_changes
from api.configure.practice import find_practice_changes, is_practice
from api.configure.private import describe_for_audit, find_private_changes, is_private
from api.configure.schemas import Change, Effect, Plan
from api.data_sets.service import check_usable, find_version
from api.deps import Caller
from core.competition_file import (
    SECTION,
    CompetitionFile,
    CompetitionPart,
    fill_seeds,
    make_plain,
    parse_competition_file,
)
from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.queries import audit, competitions, evaluations, rules
from core.domain.competition import ENDED, CompetitionState
from core.domain.errors import Conflict, InvalidInput
from core.domain.seeds import DRAWN
from core.problems import ProblemSpec
from core.registration import find_seeds, register_competition
from core.terms import METRIC_VERSION, hash_terms, write_terms

TEXTS = ("title", "summary")
OWN = f"{SECTION}."


@dataclass(frozen=True, slots=True)
class Found:
    """A file beside what there is under its name."""

    file: CompetitionFile
    row: Competition | None
    spec: ProblemSpec  # what is registered: with the texts that the evaluation spec has, if only they differ
    is_same_spec: bool
    plan: Plan


def plan_file(session: Session, slug: str, values: dict[str, Any]) -> Found:
    values, drawn = fill_seeds(values, find_seeds(session, slug))
    file = _resolve(session, values)
    if file.problem.slug != slug:
        raise InvalidInput(f"the file is for {file.problem.slug!r}, not for {slug!r}")
    row = competitions.fetch_competition(session, slug)
    spec = _keep_texts(file.problem, row)
    is_same_spec = row is not None and row.spec.digest == hash_terms(write_terms(spec))
    changes = _find_problem_changes(file.problem, row) + _find_own_changes(session, file.competition, row)
    private, private_refused = find_private_changes(session, file.problem, row)
    changes += private + find_practice_changes(session, file.problem, row)
    changes = [_hide_drawn(change, drawn.values()) for change in changes]
    effect = _name_effect(row, changes, is_same_spec=is_same_spec)
    refused = _find_refusal(session, row, changes, effect) or private_refused or _find_read(session, row, changes)
    plan = Plan(
        slug=slug,
        effect=effect,
        applied=False,
        changes=changes,
        consequence=_describe_effect(effect, file.competition, row),
        refused=refused,
        state=row.state_at(utc_now()) if row else None,
        data_set=file.problem.data.reference,
    )
    return Found(file, row, spec, is_same_spec, plan)


def apply_file(session: Session, slug: str, values: dict[str, Any], caller: Caller) -> Plan:
    """Do what the plan says; what is there already is left alone, so applying twice changes nothing."""
    standing = competitions.fetch_competition(session, slug)
    if standing is not None:
        competitions.lock_competition(session, standing.id)  # before planning: what the plan rests on stays so
    found = plan_file(session, slug, values)
    plan, row = found.plan, found.row
    if plan.refused:
        raise Conflict(plan.refused)
    if plan.effect is Effect.NOTHING:
        register_competition(session, found.spec)  # which goes on with pools that could not be built
        return plan
    must_register = not found.is_same_spec or any(_is_of_phase(change) for change in plan.changes)
    if row is None or must_register or row.state == CompetitionState.PREPARING:  # which may wait only to be opened
        row = register_competition(session, found.spec, draft=found.file.competition.draft)
    row.title, row.summary = found.file.problem.title, found.file.problem.summary
    _set_own(session, row, found.file.competition, caller)
    detail = {
        "effect": plan.effect,
        "changes": {change.field: describe_for_audit(change) for change in plan.changes},
    }
    subject = f"competition/{slug}"
    audit.record(session, actor=caller.name, action="competition.apply", subject=subject, detail=detail)
    session.flush()
    return plan.model_copy(update={"applied": True, "state": row.state})


def _resolve(session: Session, values: dict[str, Any]) -> CompetitionFile:
    """Parse the file, and name its data set by the full digest: numbers mean something in this database only."""
    file = parse_competition_file(values, source="the file")
    reference = file.problem.data.reference
    if reference is None:
        return file
    version = find_version(session, reference)
    check_usable(session, version)
    data = file.problem.data
    options = {**data.options, "set": f"{version.data_set.name}@{version.digest}"}
    problem = file.problem.model_copy(update={"data": data.model_copy(update={"options": options})})
    return file.model_copy(update={"problem": problem})


def _hide_drawn(change: Change, drawn: Collection[int | str]) -> Change:
    """A dry run draws others than what is applied after it."""
    return change.model_copy(update={"after": DRAWN}) if change.after in drawn else change


def _keep_texts(spec: ProblemSpec, row: Competition | None) -> ProblemSpec:
    """A title is a part of a spec's identity, and no reason to give up its scores."""
    if row is None:
        return spec
    stored = row.spec.terms.problem
    kept = spec.model_copy(update={"title": stored.title, "summary": stored.summary})
    return kept if hash_terms(write_terms(kept)) == row.spec.digest else spec


def _find_problem_changes(spec: ProblemSpec, row: Competition | None) -> list[Change]:
    after = {"problem": spec.model_dump(mode="json", exclude_none=True), "metric_version": METRIC_VERSION}
    before = None
    if row is not None:
        terms = row.spec.terms
        stored = terms.problem.model_dump(mode="json", exclude_none=True)
        texts = {name: getattr(row, name) for name in TEXTS}
        before = {"problem": stored | texts, "metric_version": terms.metric_version}
    changes = find_changes(before, after)
    return [change.model_copy(update={"field": change.field.removeprefix("problem.")}) for change in changes]


def _find_own_changes(session: Session, part: CompetitionPart, row: Competition | None) -> list[Change]:
    after: dict[str, Any] = dict(part.columns)
    before: dict[str, Any] = {name: getattr(row, name) for name in after} if row else {}
    if part.rules is not None:
        newest = rules.fetch_rules(session, row.id) if row else None
        before["rules"], after["rules"] = newest.text if newest else "", part.rules.strip()
    return find_changes(make_plain(before), make_plain(after), OWN)


def _name_effect(row: Competition | None, changes: list[Change], *, is_same_spec: bool) -> Effect:
    if row is None:
        return Effect.CREATE
    if not changes:
        return Effect.NOTHING
    return Effect.UPDATE if is_same_spec else Effect.REPLACE


def _find_refusal(session: Session, row: Competition | None, changes: list[Change], effect: Effect) -> str | None:
    if row is None or effect is Effect.NOTHING:
        return None
    state = row.state_at(utc_now())
    if state in ENDED:
        return f"{row.slug} is {state} and its result stands: give the file another slug, such as {suggest(row.slug)}"
    scored = evaluations.count_comparable(session, row.spec_id)
    if effect is Effect.UPDATE or not scored:
        return None
    own = [change.field for change in changes if not _is_of_phase(change)]
    named = [field for field in own if not field.startswith(OWN)]
    return (
        f"{row.slug} has {scored} submissions scored or being scored under its evaluation spec, which a change of "
        f"{_enumerate(named)} would replace, and scores are ranked only within one spec: "
        f"make a new version under another slug, such as {suggest(row.slug)}"
    )


def _is_of_phase(change: Change) -> bool:
    """Whether it leaves the public phase and its scores alone."""
    return is_private(change) or is_practice(change)


def _find_read(session: Session, row: Competition | None, changes: list[Change]) -> str | None:
    """As `change_settings` says it: once the private phase is read, finalists and deadline stand."""
    if row is None:
        return None
    own = {change.field.removeprefix(OWN): change.after for change in changes if change.field.startswith(OWN)}
    try:
        check_locks(session, row, own)
    except Conflict as error:
        return error.message
    return None


def suggest(slug: str) -> str:
    stem, _, number = slug.rpartition("-")
    return f"{stem}-{int(number) + 1}" if stem and number.isdecimal() else f"{slug}-2"


def _enumerate(names: list[str]) -> str:
    names = [name for name in names if name not in TEXTS]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _describe_effect(effect: Effect, part: CompetitionPart, row: Competition | None) -> str:
    if effect is Effect.CREATE and part.draft:
        return "A draft is made, seen by staff alone; nothing is trained before it is let to prepare."
    if effect is Effect.CREATE:
        opens = "is opened by staff" if part.open == "by hand" else "opens by itself"
        return f"The competition is made and its pools are trained; it {opens} when retraining is measured."
    if effect is Effect.REPLACE:
        drafted = row is not None and row.state == CompetitionState.DRAFT
        then = "it stays a draft" if drafted else "it prepares again, and models trained for equal data are kept"
        return f"The competition gets another evaluation spec; nothing was scored under the one before; {then}."
    return "Scores, pools and the evaluation spec stay." if effect is Effect.UPDATE else "Nothing changes."


def _set_own(session: Session, row: Competition, part: CompetitionPart, caller: Caller) -> None:
    for name, value in part.columns.items():
        setattr(row, name, value)
    if part.rules is not None:
        newest = rules.fetch_rules(session, row.id)
        if part.rules.strip() != (newest.text if newest else ""):
            rules.store_rules(session, row.id, part.rules.strip(), caller.name)
