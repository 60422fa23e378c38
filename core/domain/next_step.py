"""What the staff of a competition do next, from its making to its winners, and what is missing for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.competition import CompetitionState
from core.domain.phases import PhaseState


class Step(StrEnum):
    PREPARE = "prepare"
    ACTIVATE = "activate"
    OPEN = "open"
    FREEZE = "freeze"
    CLOSE = "close"
    SCORE = "score"
    PUBLISH = "publish"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a competition is."""

    state: CompetitionState
    fault: str = ""
    is_prepared: bool = False
    opens_by_hand: bool = False
    closes_at: datetime | None = None
    has_rules: bool = False
    private: PhaseState | None = None
    running: int = 0  # submissions that have not ended
    held: int = 0  # scored ones that wait for a look at their flags
    models: tuple[int, int] = (0, 0)  # trained, wanted


@dataclass(frozen=True, slots=True)
class NextStep:
    """step: none when nothing is left to do."""

    step: Step | None
    words: str
    missing: tuple[str, ...] = ()


def find_next(now: Standing) -> NextStep:
    if now.state is CompetitionState.DRAFT:
        return NextStep(Step.PREPARE, "Move it to preparing: its pools are trained then.", tuple(_list_faults(now)))
    if now.state is CompetitionState.PREPARING:
        return _prepare(now)
    if now.state is CompetitionState.OPEN:
        return _run(now)
    if now.state is CompetitionState.FROZEN:
        return NextStep(Step.CLOSE, "Close it: the board was frozen, and the public result stands then.", _wait(now))
    if now.state is CompetitionState.CLOSED:
        return _end(now)
    return NextStep(None, "It is archived: read only, for good.")


def list_done(found: NextStep) -> list[Step]:
    """The steps before it."""
    steps = list(Step)
    return steps if found.step is None else steps[: steps.index(found.step)]


def _prepare(now: Standing) -> NextStep:
    done, wanted = now.models
    if not now.is_prepared:
        words = f"Wait: {done} of {wanted} models are trained, then retraining is measured."
        return NextStep(Step.PREPARE, words, tuple(_list_faults(now)))
    if now.opens_by_hand:
        return NextStep(Step.ACTIVATE, "Open it: its pools are sealed.", () if now.has_rules else ("it has no rules",))
    return NextStep(Step.OPEN, "It opens by itself in a moment.")


def _run(now: Standing) -> NextStep:
    missing = [*([] if now.has_rules else ["it has no rules"]), *_list_held(now)]
    if now.private is PhaseState.PREPARING:
        missing.append("the pools of its private phase are still being trained")
    if now.closes_at is None:
        missing.append("it has no deadline, so somebody has to close it")
        return NextStep(Step.FREEZE, "Freeze it for its last days, or set a deadline.", tuple(missing))
    words = (
        f"It closes by itself on {now.closes_at:%Y-%m-%d %H:%M} UTC; freeze it before if its last days shall be blind."
    )
    return NextStep(Step.FREEZE, words, tuple(missing))


def _end(now: Standing) -> NextStep:
    if now.private is None or now.private is PhaseState.PUBLISHED:
        return NextStep(None, "Its result stands. Archive it when it should leave the list.", _wait(now))
    if now.private is PhaseState.SCORING:
        return NextStep(Step.PUBLISH, "Look at the final board, then publish it.", _wait(now))
    missing = _wait(now)
    if now.private is PhaseState.PREPARING:
        missing += ("the pools of its private phase are still being trained",)
    return NextStep(Step.SCORE, "Score the finalists under the private request.", missing)


def _wait(now: Standing) -> tuple[str, ...]:
    running = (f"{now.running} submissions have not ended",) if now.running else ()
    return (*running, *_list_held(now))


def _list_held(now: Standing) -> tuple[str, ...]:
    who, whose = ("1 entry is", "its") if now.held == 1 else (f"{now.held} entries are", "their")
    return (f"{who} held without a rank until {whose} flags are decided on",) if now.held else ()


def _list_faults(now: Standing) -> Iterator[str]:
    if now.fault:
        yield now.fault
