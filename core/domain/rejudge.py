"""Evaluating a set of submissions again: what it may cost, and what it would do to the board."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.domain.leaderboard import Entry, Place, Purpose, Row
from core.domain.phases import PhaseKind
from core.domain.submission import Verdict

# a run that the platform or its author broke off says nothing that an older result did not say better
NEVER_REPLACES = frozenset({Verdict.PLATFORM_ERROR, Verdict.WITHDRAWN})
PHASES = frozenset({PhaseKind.PUBLIC, PhaseKind.PRIVATE})  # whose results may be replaced
_RUNS_TO_THE_END = frozenset({Verdict.SCORED, Verdict.PLATFORM_ERROR})


class RejudgeState(StrEnum):
    RUNNING = "running"  # also when all of it has ended and nobody has decided yet
    PAUSED = "paused"  # what of it was not begun waits
    PROMOTED = "promoted"
    DISCARDED = "discarded"


UNDECIDED = frozenset({RejudgeState.RUNNING, RejudgeState.PAUSED})


@dataclass(frozen=True, slots=True)
class PastRun:
    """What a submission's last evaluation took."""

    verdict: Verdict
    replicas: int
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Standing:
    """One line of a board, as far as two boards are compared."""

    submission_id: str
    rank: int | None
    score: float | None
    low: float | None
    high: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Move:
    """What becomes of one participant, or of one reference; None: not on that board."""

    name: str
    filename: str
    old: Standing | None
    new: Standing | None

    @property
    def climbed(self) -> int | None:
        """Ranks won; negative when lost."""
        if self.old is None or self.new is None or self.old.rank is None or self.new.rank is None:
            return None
        return self.old.rank - self.new.rank

    @property
    def overlaps(self) -> bool | None:
        """Whether the two intervals have a point in common; None unless there are two."""
        return do_overlap(self.old, self.new)


def do_overlap(one: Standing | None, other: Standing | None) -> bool | None:
    if one is None or other is None:
        return None
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return None
    return one.low <= other.high and other.low <= one.high


def estimate_cpu_seconds(runs: Iterable[PastRun], *, replicas: int, mean: float | None) -> float | None:
    """Processor seconds of running all of them again; None if one has to run to the end and none ever did.

    What was scored, or what we failed, runs all `replicas`; what ended by its own fault is taken to end there again.
    """
    total = 0.0
    for run in runs:
        if run.verdict not in _RUNS_TO_THE_END:
            total += run.cpu_seconds
            continue
        each = run.cpu_seconds / run.replicas if run.verdict is Verdict.SCORED and run.replicas else mean
        if each is None:
            return None
        total += each * replicas
    return total


def compare_boards(old: Sequence[Row], new: Sequence[Row]) -> list[Move]:
    """Every line of either board once, in the order of the new one; what leaves the board comes last."""
    before, after = _index(old), _index(new)
    keys = [*after, *(key for key in before if key not in after)]
    return [_make_move(before.get(key), after.get(key)) for key in keys]


def _index(rows: Sequence[Row]) -> dict[tuple[str, str], Row]:
    """By participant, or by file of a reference; a ranked line goes before one over the budget."""
    found: dict[tuple[str, str], Row] = {}
    for row in sorted(rows, key=lambda row: row.place is Place.OVER_BUDGET):
        found.setdefault(_get_key(row.entry), row)
    return found


def _get_key(entry: Entry) -> tuple[str, str]:
    return (entry.name, entry.filename if entry.purpose is Purpose.REFERENCE else "")


def _make_move(old: Row | None, new: Row | None) -> Move:
    entry = (new or old).entry  # type: ignore[union-attr]  # one of them is there
    return Move(entry.name, entry.filename, _make_standing(old), _make_standing(new))


def _make_standing(row: Row | None) -> Standing | None:
    if row is None:
        return None
    entry = row.entry
    return Standing(entry.submission_id, row.rank, entry.score, entry.low, entry.high, entry.verdict)
