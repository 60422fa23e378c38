"""What came of finalists in the private phase: told with their submissions once the final board is published."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from api.finals.schemas import FinalResult
from api.leaderboard.current import find_phase_view
from api.leaderboard.schemas import Interval, LeaderboardEntry
from api.leaderboard.service import count_lines, load_entries
from api.leaderboard.views import BoardView
from core.db.models.contests import Competition
from core.db.models.lifecycle import Phase
from core.db.models.submissions import Evaluation, Submission
from core.db.queries import boards, phases
from core.domain.leaderboard import Place
from core.domain.owner import own_as_team
from core.domain.phases import PhaseState
from core.domain.submission import Verdict


def find_results(session: Session, rows: Sequence[Submission]) -> dict[str, FinalResult]:
    """By submission; nothing before publication, and nothing of what was no finalist."""
    found: dict[str, FinalResult] = {}
    for competition in {row.competition_id: row.competition for row in rows}.values():
        phase = phases.fetch_private_phase(session, competition.id)
        if phase is not None and phase.state == PhaseState.PUBLISHED:
            own = [row for row in rows if row.competition_id == competition.id]
            found |= _find_published(session, competition, phase, own)
    return found


def _find_published(
    session: Session, competition: Competition, phase: Phase, rows: Sequence[Submission]
) -> dict[str, FinalResult]:
    ended = phases.fetch_ended_evaluations(session, phase, [row.id for row in rows])
    view = find_phase_view(session, competition, phase)
    teams = {row.team_id for row in rows if row.team_id and row.id in ended}
    lines = {team_id: _find_line(session, view, team_id) for team_id in teams}
    ranked = count_lines(session, view)[Place.RANKED]
    return {
        row.id: _make_result(phase, ended[row.id], lines.get(row.team_id or ""), ranked)
        for row in rows
        if row.id in ended
    }


def _find_line(session: Session, view: BoardView, team_id: str) -> LeaderboardEntry | None:
    position, _ = boards.find_places(session, view.board_id, view.version, own_as_team(team_id))
    return None if position is None else load_entries(session, view, limit=1, offset=position)[0]


def _make_result(phase: Phase, evaluation: Evaluation, line: LeaderboardEntry | None, ranked: int) -> FinalResult:
    own = line if line is not None and line.submission_id == evaluation.submission_id else None
    score = evaluation.score
    return FinalResult(
        published_at=phase.published_at,
        verdict=evaluation.verdict or Verdict.PLATFORM_ERROR,
        score=None if score is None else Interval(estimate=score, low=evaluation.score_low, high=evaluation.score_high),
        relative_runtime=evaluation.relative_runtime,
        rank=own.rank if own else None,
        rank_label=own.rank_label if own else "",
        ranked=ranked,
    )
