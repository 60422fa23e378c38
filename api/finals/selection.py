"""A team selects its finalists: any member may, and the last selection stands."""

from sqlalchemy.orm import Session

from api.competitions.service import find_private_state, find_sight, load_competition
from api.deps import ANONYMOUS, Caller
from api.finals.schemas import Choice, SelectionView
from core.db.base import utc_now
from core.db.board import read_entry
from core.db.models.contests import Competition, Team
from core.db.models.problems import EvaluationSpec
from core.db.models.submissions import Submission
from core.db.queries import boards, competitions, phases, teams
from core.domain.coarse import round_figure
from core.domain.competition import CompetitionState
from core.domain.errors import Conflict, NotFound, PhaseClosed
from core.domain.leaderboard import Purpose
from core.domain.notes import reads_note
from core.domain.phases import Candidate, choose_finalists, find_stage
from core.domain.submission import Verdict

OPEN_IN = (CompetitionState.OPEN, CompetitionState.FROZEN)


def load_selection(session: Session, slug: str, caller: Caller) -> SelectionView:
    competition = load_competition(session, slug, caller)
    team = teams.fetch_team_of(session, competition.id, caller.member_id)
    return _make_view(session, competition, team, caller.member_id)


def select(session: Session, slug: str, submission_ids: list[str], caller: Caller) -> SelectionView:
    """Replace the whole selection of the caller's team."""
    found = load_competition(session, slug, caller)
    competition = competitions.lock_competition(session, found.id)
    _check_open(competition)
    team = teams.fetch_team_of(session, competition.id, caller.member_id)
    own = {row.id: row for row in _fetch_own(session, team)}
    wanted = dict.fromkeys(submission_ids)  # named twice is named once
    if len(wanted) > competition.selection_limit:
        raise Conflict(f"{len(wanted)} are selected; a team may select {competition.selection_limit}", field="chosen")
    for submission_id in wanted:
        if submission_id not in own:
            raise NotFound(f"no submission {submission_id!r} of your team that could be selected", field="chosen")
        _check_selectable(own[submission_id])
    now = utc_now()
    for row in own.values():
        row.selected_at = (row.selected_at or now) if row.id in wanted else None
    session.flush()
    return _make_view(session, found, team, caller.member_id)


def find_finalists(session: Session, competition: Competition) -> list[Candidate]:
    """Of every team, as things stand now."""
    return choose_finalists(
        (
            Candidate(read_entry(each), each.selected_at)
            for each in boards.fetch_counting(session, competition.id, competition.spec_id)
            if each.verdict == Verdict.SCORED and each.purpose == Purpose.RANKED
        ),
        competition.selection_limit,
    )


def _make_view(session: Session, competition: Competition, team: Team | None, user_id: str) -> SelectionView:
    finalists = {each.entry.submission_id for each in find_finalists(session, competition)}
    stage = find_stage(competition.state, find_private_state(session, competition))
    spec = session.get_one(EvaluationSpec, competition.spec_id)
    sight = find_sight(spec, ANONYMOUS, stage)  # whoever selects is no staff
    return SelectionView(
        limit=competition.selection_limit,
        is_open=competition.state_at(utc_now()) in OPEN_IN,
        closes_at=competition.closes_at,
        items=[
            _make_choice(row, row.id in finalists, user_id, is_coarse=sight.is_coarse)
            for row in _fetch_own(session, team)
            if _is_selectable(row)
        ],
    )


def _make_choice(row: Submission, is_finalist: bool, user_id: str, *, is_coarse: bool) -> Choice:
    """On hidden data a finalist is shown as one only where that follows from what is told."""
    evaluation = row.evaluations[-1]
    score = evaluation.score
    if is_coarse and score is not None:
        score = None if evaluation.held_back else round_figure(score)
    return Choice(
        submission_id=row.id,
        filename=row.filename,
        note=row.note if reads_note(row.note_readers, is_uploader=row.user_id == user_id, is_in_team=True) else "",
        user=row.user.name,
        verdict=evaluation.verdict,
        score=score,
        created_at=row.created_at,
        is_selected=row.selected_at is not None,
        is_finalist=is_finalist and (not is_coarse or not evaluation.held_back or row.selected_at is not None),
    )


def _fetch_own(session: Session, team: Team | None) -> list[Submission]:
    return phases.fetch_submissions_of_team(session, team.id) if team else []


def _is_selectable(row: Submission) -> bool:
    return row.disqualified_at is None and row.evaluations[-1].verdict in (None, Verdict.SCORED)


def _check_selectable(row: Submission) -> None:
    if row.disqualified_at is not None:
        raise Conflict(f"{row.filename} is disqualified")
    if not _is_selectable(row):
        raise Conflict(f"{row.filename} has no score: only what was scored, or is not finished yet, can be selected")


def _check_open(competition: Competition) -> None:
    state = competition.state_at(utc_now())
    if state not in OPEN_IN:
        raise PhaseClosed(f"{competition.slug} is {state}: the selection no longer changes")
