"""Put the board together: rows of the database in, the domain's order, scorecards beside it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.leaderboard.schemas import Ceiling, Leaderboard, LeaderboardEntry
from core.db.board import make_entry
from core.db.models.contests import Competition
from core.db.models.problems import EvaluationSpec
from core.db.models.submissions import Evaluation, Scorecard
from core.db.queries import evaluations
from core.domain.leaderboard import Row, make_board
from core.domain.submission import Verdict


def load_leaderboard(session: Session, slug: str) -> Leaderboard:
    return make_leaderboard(session, load_competition(session, slug))


def make_leaderboard(session: Session, competition: Competition, spec: EvaluationSpec | None = None) -> Leaderboard:
    """The board of one spec: the competition's own, or that of its private phase."""
    spec = spec or competition.spec
    ended = evaluations.fetch_board_rows(session, competition.id, spec.id)
    newest = {row.submission_id: row for row in sorted(ended, key=lambda row: row.created_at)}
    board = make_board(make_entry(row) for row in newest.values())
    shown = [newest[row.entry.submission_id] for row in board]
    cards = evaluations.fetch_scorecards(session, [row.id for row in shown])
    body = spec.body
    return Leaderboard(
        competition=competition.slug,
        title=competition.title,
        protocol=body["protocol"],
        metric_version=body["metric_version"],
        spec_digest=spec.digest,
        compute_budget=body["evaluation"]["compute_budget"],
        replicas=body["evaluation"]["replicas"],
        ceiling=_find_ceiling(cards),
        entries=[_make_line(row, evaluation, cards) for row, evaluation in zip(board, shown, strict=True)],
    )


def _make_line(row: Row, evaluation: Evaluation, cards: Mapping[str, Scorecard]) -> LeaderboardEntry:
    entry = row.entry
    body: dict[str, Any] = cards[evaluation.id].body if evaluation.id in cards else {}
    protocols = body.get("protocols", {})
    return LeaderboardEntry(
        place=row.place,
        rank=row.rank,
        rank_label=_label_rank(row),
        tie_group=row.tie_group,
        tied_first=row.tied_first,
        tied_last=row.tied_last,
        better_than_next=row.better_than_next,
        name=entry.name,
        filename=entry.filename,
        note=evaluation.submission.note,
        purpose=entry.purpose,
        verdict=entry.verdict,
        submission_id=entry.submission_id,
        submitted_at=entry.accepted_at,
        score=entry.score,
        score_low=entry.low,
        score_high=entry.high,
        score_error=entry.error,
        score_corrected=body.get("score", {}).get("corrected"),
        decided_early=entry.is_decided_early,
        scored_replicas=entry.scored_replicas or entry.replicas_total,
        replicas_total=entry.replicas_total,
        neurips2023=protocols.get("neurips2023"),
        exact=protocols.get("exact"),
        forgetting_quality=body.get("forgetting_quality"),
        utility=body.get("utility", {}).get("value"),
        unlearning_accuracy=body.get("unlearning_accuracy"),
        retain_accuracy=body.get("retain_accuracy"),
        test_accuracy=body.get("test_accuracy"),
        relative_runtime=entry.relative_runtime,
        over_budget=entry.verdict is Verdict.OVER_BUDGET or bool(body.get("relative_runtime", {}).get("over_budget")),
    )


def _label_rank(row: Row) -> str:
    if row.rank is None:
        return "–"
    if row.tied_first == row.tied_last:
        return str(row.rank)
    return f"{row.tied_first}–{row.tied_last}"


def _find_ceiling(cards: Mapping[str, Scorecard]) -> Ceiling | None:
    """Every scorecard of a spec carries the same control; the newest may be the best measured."""
    if not cards:
        return None
    newest = max(cards.values(), key=lambda card: card.created_at)
    return Ceiling.model_validate(newest.body["ceiling"])
