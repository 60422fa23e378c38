"""The phases beside the public one: practice, where all is shown, and the private one, scored after the end."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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


@dataclass(frozen=True, slots=True)
class Candidate:
    """A scored entry of the public phase, and when its team chose it."""

    entry: Entry
    selected_at: datetime | None


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
