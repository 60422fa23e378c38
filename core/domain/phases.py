"""The phases beside the public one: practice, where all is shown, and the private one, scored after the end."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.competition import CompetitionState
from core.domain.errors import Conflict, NotAllowed
from core.domain.exposure import Stage
from core.domain.leaderboard import Entry


class PhaseKind(StrEnum):
    """Which spec an evaluation was made under; the public one is the competition's own."""

    PUBLIC = "public"
    PRIVATE = "private"
    PRACTICE = "practice"  # on open data, with logs; ranked nowhere


class PhaseState(StrEnum):
    """Where a phase beside the public one is; practice is never more than ready."""

    PREPARING = "preparing"  # its pools are trained, retraining is measured
    READY = "ready"  # private: unread until the competition has closed; practice: it takes submissions
    SCORING = "scoring"  # the finalists run under it; staff alone see what comes out
    PUBLISHED = "published"  # its board is the result


def find_stage(competition: CompetitionState, private: PhaseState | None) -> Stage:
    """What is closed may open again, and is over only when nothing is left to publish."""
    is_over = private is PhaseState.PUBLISHED if private else competition is CompetitionState.ARCHIVED
    return Stage.OVER if is_over else Stage.RUNNING


@dataclass(frozen=True, slots=True)
class Candidate:
    """A scored entry of the public phase, and when its team chose it."""

    entry: Entry
    selected_at: datetime | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """Somebody looked at a ranking and asks somebody else to publish it."""

    by: str
    at: datetime
    digest: str  # of the board as it was then


def check_seen(digest: str, current: str) -> None:
    """Refuse a decision about a ranking that is another one by now."""
    if digest != current:
        raise Conflict(f"the ranking is not the one you looked at: it is {current[:12]} now; look at the preview again")


def check_approval(proposal: Proposal | None, *, by: str, digest: str | None, current: str) -> None:
    """Where publishing takes two people: the second approves exactly what the first proposed, and it still stands."""
    if proposal is None:
        raise Conflict("it takes two to publish this: propose it, and somebody else of the staff publishes")
    if proposal.digest != current:
        raise Conflict(f"the ranking changed since {proposal.by} proposed it: look at it and propose it again")
    if proposal.by == by:
        raise NotAllowed("you proposed it yourself: somebody else of the staff has to publish it")
    if digest is None:
        raise Conflict("name the digest of the ranking that you looked at and approve")


def choose_finalists(candidates: Iterable[Candidate], limit: int) -> list[Candidate]:
    """Of each team what it selected, the latest choices first; of a team that selected nothing its best ones."""
    teams: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        teams.setdefault(candidate.entry.name, []).append(candidate)
    return [finalist for own in teams.values() for finalist in _choose(own, limit)]


def _choose(own: list[Candidate], limit: int) -> list[Candidate]:
    selected = sorted((each for each in own if each.selected_at is not None), key=_chosen_late, reverse=True)
    return (selected or sorted(own, key=_quality))[:limit]


def _chosen_late(candidate: Candidate) -> tuple[datetime, datetime]:
    return (candidate.selected_at or candidate.entry.accepted_at, candidate.entry.accepted_at)


def _quality(candidate: Candidate) -> tuple[bool, float, float, datetime]:
    entry = candidate.entry
    runtime = float("inf") if entry.relative_runtime is None else entry.relative_runtime
    return (entry.is_decided_early, -(entry.score or 0.0), runtime, entry.accepted_at)
