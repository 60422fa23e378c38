"""From an evaluation that counts to its line on a board, and back to what the domain ranks."""

import sys
from array import array
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from core.db.models.boards import BoardLine
from core.domain.leaderboard import Entry, Line, Place, Purpose
from core.domain.owner import Owner, find_owner
from core.domain.submission import Verdict
from core.scorecard import ScorecardSummary, parse_summary


class CountingEvaluation(NamedTuple):
    """One evaluation that may stand on a board, with all that is shown of it; columns of one query, in its order."""

    submission_id: str
    evaluation_id: str
    team_id: str | None
    user_id: str
    team_name: str | None
    user_name: str
    filename: str
    purpose: Purpose
    accepted_at: datetime
    verdict: Verdict
    score: float | None
    low: float | None
    high: float | None
    error: float | None
    draws: list[float] | None
    scored_replicas: int | None
    replicas_total: int
    relative_runtime: float | None
    summary: dict[str, Any] | None  # of the scorecard, as it is stored
    selected_at: datetime | None  # for the final ranking
    is_held: bool

    @property
    def figures(self) -> ScorecardSummary:
        return parse_summary(self.summary or {})

    @property
    def owner(self) -> Owner:
        return find_owner(self.purpose, team_id=self.team_id, user_id=self.user_id, filename=self.filename)


class StoredLine(NamedTuple):
    """A line as it is read back: columns of one query, in its order."""

    place: Place
    accepted_at: datetime
    submission_id: str
    body: dict[str, Any]
    draws: bytes


def read_entry(counting: CountingEvaluation) -> Entry:
    return Entry(
        submission_id=counting.submission_id,
        name=counting.team_name or counting.user_name,
        filename=counting.filename,
        purpose=counting.purpose,
        verdict=counting.verdict,
        score=counting.score,
        low=counting.low,
        high=counting.high,
        relative_runtime=counting.relative_runtime,
        accepted_at=counting.accepted_at,
        error=counting.error,
        draws=tuple(counting.draws or ()),
        scored_replicas=counting.scored_replicas,
        replicas_total=counting.replicas_total,
        is_held=counting.is_held,
    )


def make_line(board_id: str, version: int, line: Line, counting: CountingEvaluation) -> BoardLine:
    is_below, is_early, score_key, runtime_key, accepted_at = line.order
    return BoardLine(
        board_id=board_id,
        owner=counting.owner,
        place=line.place,
        since_version=version,
        is_below=is_below,
        is_early=is_early,
        score_key=score_key,
        runtime_key=runtime_key,
        accepted_at=accepted_at,
        submission_id=counting.submission_id,
        evaluation_id=counting.evaluation_id,
        body=describe(line.entry, counting),
        draws=pack(counting.draws or ()),
    )


def describe(entry: Entry, counting: CountingEvaluation) -> dict[str, Any]:
    """Everything a board shows of an entry but its rank."""
    figures = counting.figures
    return {
        "name": entry.name,
        "filename": entry.filename,
        "purpose": entry.purpose,
        "verdict": entry.verdict,
        "score": entry.score,
        "score_low": entry.low,
        "score_high": entry.high,
        "score_error": entry.error,
        "score_corrected": figures.score_corrected,
        "decided_early": entry.is_decided_early,
        "scored_replicas": entry.scored_replicas or entry.replicas_total,
        "replicas_total": entry.replicas_total,
        "neurips2023": figures.neurips2023,
        "exact": figures.exact,
        "forgetting_quality": figures.forgetting_quality,
        "test_quality": figures.test_quality,
        "noise_shared": figures.noise_shared,
        "retain_quality": figures.retain_quality,
        "balance": figures.balance,
        "utility": figures.utility,
        "unlearning_accuracy": figures.unlearning_accuracy,
        "retain_accuracy": figures.retain_accuracy,
        "test_accuracy": figures.test_accuracy,
        "relative_runtime": entry.relative_runtime,
        "relative_runtime_low": figures.relative_runtime_low,
        "relative_runtime_high": figures.relative_runtime_high,
        "runtime_clock": figures.runtime_clock,
        "over_budget": entry.verdict is Verdict.OVER_BUDGET or figures.over_budget,
        "is_held": entry.is_held,
    }


def read_line(stored: StoredLine) -> Line:
    body = stored.body
    entry = Entry(
        submission_id=stored.submission_id,
        name=body["name"],
        filename=body["filename"],
        purpose=Purpose(body["purpose"]),
        verdict=Verdict(body["verdict"]),
        score=body["score"],
        is_held=body["is_held"],
        low=body["score_low"],
        high=body["score_high"],
        relative_runtime=body["relative_runtime"],
        accepted_at=stored.accepted_at,
        error=body["score_error"],
        draws=unpack(stored.draws),
        scored_replicas=body["scored_replicas"],
        replicas_total=body["replicas_total"],
    )
    return Line(stored.place, entry)


def pack(draws: Sequence[float]) -> bytes:
    return _swap(array("d", draws)).tobytes()


def unpack(packed: bytes) -> tuple[float, ...]:
    draws = array("d")
    draws.frombytes(packed)
    return tuple(_swap(draws))


def _swap(draws: "array[float]") -> "array[float]":
    """Little-endian in the database, whatever wrote it."""
    if sys.byteorder == "big":
        draws.byteswap()
    return draws
