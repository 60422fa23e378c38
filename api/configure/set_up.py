"""Setting a competition up in steps: each keeps what was typed, the last makes the competition."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from api.configure import document as documents
from api.configure import service
from api.configure.fields import SECTIONS, STEP_TITLES, Field, Section, SetUpStep
from api.configure.form import FilledForm, Values, fill_form, read_form
from api.configure.schemas import Plan
from api.deps import Caller
from core.competition_file import draw_seed
from core.db.models.contests import SetUp
from core.db.queries import set_ups
from core.domain.errors import InvalidInput, NotFound, RequestRefused
from core.domain.seeds import write_seed

STEPS = tuple(SetUpStep)


@dataclass(frozen=True, slots=True)
class Correction:
    """What has to be corrected before the competition can be made, and on which page."""

    step: SetUpStep
    label: str
    path: str
    why: str


def begin(session: Session, start: str, caller: Caller) -> SetUp:
    """With every field filled from what it starts from, and seeds that nobody has seen."""
    return set_ups.store_set_up(session, fill_form(documents.find_start(session, start)), caller.name)


def load(session: Session, set_up_id: str) -> SetUp:
    row = set_ups.fetch_set_up(session, set_up_id)
    if row is None:
        raise NotFound("nothing is being set up here: it was made or removed")
    return row


def save(session: Session, set_up_id: str, values: Values) -> SetUp:
    row = load(session, set_up_id)
    set_ups.change_set_up(session, row, values)
    return row


def remove(session: Session, set_up_id: str) -> None:
    set_ups.remove_set_up(session, load(session, set_up_id))


def draw_seeds() -> dict[str, str | list[str]]:
    """Fresh values for the fields of seeds, the private phase's too."""
    own = [".".join(path) for path in documents.SEEDS]
    private = ["private.split_seed", "private.forget.seed", "private.pool_seed"]
    return {path: str(write_seed(draw_seed())) for path in own + private}


def list_sections(step: SetUpStep) -> list[Section]:
    return [section for section in SECTIONS if section.step is step]


def list_fields(step: SetUpStep) -> list[Field]:
    return [field for section in list_sections(step) for field in section.fields]


def check_step(step: SetUpStep, values: Values) -> None:
    """Raises InvalidInput for what is wrong on this page; other pages say what is wrong there."""
    own = {field.path for field in list_fields(step)}
    wrong = {path: why for path, why in read_form(values).mistakes.items() if path in own}
    if wrong:
        raise InvalidInput("correct the marked fields", fields=wrong)


def list_corrections(filled: FilledForm) -> list[Correction]:
    named = [
        Correction(step, field.label, field.path, filled.mistakes[field.path])
        for step in STEPS
        for field in list_fields(step)
        if field.path in filled.mistakes
    ]
    whole = filled.mistakes.get("")
    return [*named, Correction(STEPS[0], STEP_TITLES[STEPS[0]], "", whole)] if whole else named


def find_neighbours(step: SetUpStep) -> tuple[SetUpStep | None, SetUpStep | None]:
    """The step before and the one after it."""
    place = STEPS.index(step)
    return (STEPS[place - 1] if place else None), (STEPS[place + 1] if place + 1 < len(STEPS) else None)


def plan(session: Session, filled: FilledForm) -> tuple[Plan | None, str]:
    """What making it would do; or why it cannot be told."""
    try:
        return service.plan_file(session, str(filled.document.get("slug", "")), filled.document).plan, ""
    except RequestRefused as error:
        return None, error.message


def make(session: Session, set_up_id: str, caller: Caller) -> str:
    """Apply what was typed, forget that it was being set up, and answer the competition's name."""
    row = load(session, set_up_id)
    filled = read_form(row.values)
    corrections: Sequence[Correction] = list_corrections(filled)
    if corrections:
        raise InvalidInput(f"{corrections[0].label}: {corrections[0].why}")
    slug = str(filled.document["slug"])
    service.apply_file(session, slug, filled.document, caller)
    set_ups.remove_set_up(session, row)
    return slug
