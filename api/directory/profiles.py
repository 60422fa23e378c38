"""Who somebody is to others: the places that boards show anyway, over all competitions."""

from sqlalchemy.orm import Session

from api.competitions.service import is_visible, load_competition
from api.deps import Caller
from api.directory.schemas import HistoryLine, ProfileView, TeamProfile
from api.leaderboard.current import find_current_view
from api.leaderboard.service import load_own
from core.db.models.contests import Team
from core.db.queries import competitions, teams, users
from core.db.queries.history import OwnTeam
from core.domain.errors import NotFound
from core.domain.phases import PhaseKind

MOST_TEAMS = 50


def load_profile(session: Session, name: str, caller: Caller) -> ProfileView:
    """A team that stands on no board is nobody's business, and is left out."""
    user = users.fetch_user_by_name(session, name)
    if user is None:
        raise NotFound(f"no account named {name!r}")
    own = teams.fetch_teams_of(session, user.id, limit=MOST_TEAMS)
    found = [_find_place(session, team.competition.slug, team, caller) for team in own]
    history = [line for line in found if line is not None]
    return ProfileView(name=user.name, role=user.role, created_at=user.created_at, history=history)


def load_team(session: Session, slug: str, name: str, caller: Caller) -> TeamProfile:
    competition = load_competition(session, slug, caller)
    team = teams.fetch_team_by_name(session, competition.id, name)
    place = _find_place(session, slug, team, caller) if team else None
    if team is None or place is None:
        raise NotFound(f"no team of this name stands on the board of {slug}")
    return TeamProfile(name=team.name, members=teams.fetch_member_names(session, team.id), place=place)


def _find_place(session: Session, slug: str, team: Team, caller: Caller) -> HistoryLine | None:
    competition = competitions.fetch_competition(session, slug)
    if competition is None or not is_visible(competition, caller):
        return None
    view = find_current_view(session, competition, caller)
    own = load_own(session, view, OwnTeam(team.id, team.name))
    if own.entry is None or own.entry.rank is None:
        return None
    return HistoryLine(
        competition=competition.slug,
        title=competition.title,
        team=team.name,
        is_final=view.phase is PhaseKind.PRIVATE,
        rank=own.entry.rank,
        rank_label=own.entry.rank_label,
        ranked=own.ranked,
        score=own.entry.score,
        submission_id=own.entry.submission_id,
    )
