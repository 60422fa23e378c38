"""SQL about teams, their members and invitations."""

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from core.db.models.accounts import User
from core.db.models.contests import Team, TeamInvite, TeamMember
from core.db.models.submissions import Submission
from core.db.queries.evaluations import is_of
from core.db.queries.grants import delete_grants, move_grants
from core.domain.phases import PhaseKind

_WHOLE = (selectinload(Team.members).joinedload(TeamMember.user), joinedload(Team.competition))


def fetch_team_of(session: Session, competition_id: str, user_id: str) -> Team | None:
    query = (
        select(Team)
        .join(TeamMember)
        .where(TeamMember.competition_id == competition_id, TeamMember.user_id == user_id)
        .options(*_WHOLE)
        .execution_options(populate_existing=True)
    )
    return session.scalars(query).one_or_none()


def fetch_team(session: Session, team_id: str) -> Team | None:
    query = select(Team).where(Team.id == team_id).options(*_WHOLE).execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def fetch_team_by_name(session: Session, competition_id: str, name: str) -> Team | None:
    query = select(Team).where(Team.competition_id == competition_id, Team.folded_name == name.lower())
    return session.scalars(query).one_or_none()


def store_team(session: Session, competition_id: str, name: str, leader_id: str) -> Team:
    """Make a team of one."""
    team = Team(competition_id=competition_id, name=name, folded_name=name.lower(), leader_id=leader_id)
    session.add(team)
    session.flush()
    session.add(TeamMember(team_id=team.id, competition_id=competition_id, user_id=leader_id))
    session.flush()
    return team


def make_team_of_one(session: Session, competition_id: str, user: User) -> Team:
    """Under the user's own name, which no other team may take; a number follows if one had it before them."""
    number, name = 1, user.name
    while fetch_team_by_name(session, competition_id, name) is not None:
        number += 1
        name = f"{user.name}-{number}"
    return store_team(session, competition_id, name, user.id)


def count_submissions(session: Session, team_id: str) -> int:
    return _count_entries(session, Submission.team_id == team_id)


def count_entries_of(session: Session, competition_id: str, team_ids: list[str]) -> int:
    """Everything that several teams ever submitted for a rank."""
    return _count_entries(session, Submission.competition_id == competition_id, Submission.team_id.in_(team_ids))


def _count_entries(session: Session, *whose: ColumnElement[bool]) -> int:
    """Practice neither ranks nor spends what teams are held to: it is not counted."""
    query = select(func.count()).select_from(Submission).where(*whose, is_of(PhaseKind.PUBLIC))
    return session.scalars(query).one()


def move_everything(session: Session, source: Team, target: Team) -> None:
    """Members, submissions and history of one team become another's; the empty team goes."""
    session.execute(update(TeamMember).where(TeamMember.team_id == source.id).values(team_id=target.id))
    # what the two selected would be too much together: the joint team selects anew
    both = Submission.team_id.in_([source.id, target.id])
    session.execute(update(Submission).where(both).values(team_id=target.id, selected_at=None))
    move_grants(session, source.id, target.id)
    delete_team(session, source)


def delete_team(session: Session, team: Team) -> None:
    """What it practised stays with who uploaded it."""
    session.execute(update(Submission).where(Submission.team_id == team.id).values(team_id=None))
    session.execute(delete(TeamInvite).where(TeamInvite.team_id == team.id))
    delete_grants(session, team.id)
    session.execute(delete(TeamMember).where(TeamMember.team_id == team.id))
    session.execute(delete(Team).where(Team.id == team.id))
    session.expire_all()


def add_member(session: Session, team: Team, user_id: str) -> None:
    session.add(TeamMember(team_id=team.id, competition_id=team.competition_id, user_id=user_id))
    session.flush()


def remove_member(session: Session, team_id: str, user_id: str) -> None:
    session.execute(delete(TeamMember).where(TeamMember.team_id == team_id, TeamMember.user_id == user_id))


def fetch_invite(session: Session, invite_id: str) -> TeamInvite | None:
    query = select(TeamInvite).where(TeamInvite.id == invite_id).options(joinedload(TeamInvite.team))
    return session.scalars(query).one_or_none()


def fetch_invites_to(session: Session, competition_id: str, user_id: str) -> list[TeamInvite]:
    query = (
        select(TeamInvite)
        .join(Team)
        .where(Team.competition_id == competition_id, TeamInvite.user_id == user_id)
        .options(joinedload(TeamInvite.team), joinedload(TeamInvite.user))
    )
    return list(session.scalars(query.order_by(TeamInvite.created_at)))


def fetch_invites_of(session: Session, team_id: str) -> list[TeamInvite]:
    query = (
        select(TeamInvite)
        .where(TeamInvite.team_id == team_id)
        .options(joinedload(TeamInvite.team), joinedload(TeamInvite.user))
    )
    return list(session.scalars(query.order_by(TeamInvite.created_at)))


def store_invite(session: Session, team_id: str, user_id: str) -> TeamInvite:
    invite = TeamInvite(team_id=team_id, user_id=user_id)
    session.add(invite)
    session.flush()
    return invite


def delete_invites_to(session: Session, competition_id: str, user_id: str) -> None:
    """Whoever joined a team has answered every invitation to that competition."""
    teams = select(Team.id).where(Team.competition_id == competition_id)
    session.execute(delete(TeamInvite).where(TeamInvite.user_id == user_id, TeamInvite.team_id.in_(teams)))


def delete_invite(session: Session, invite: TeamInvite) -> None:
    session.delete(invite)
    session.flush()


def fetch_teams_of(session: Session, user_id: str, *, limit: int) -> list[Team]:
    """In all competitions, the newest first."""
    query = (
        select(Team)
        .join(TeamMember, TeamMember.team_id == Team.id)
        .where(TeamMember.user_id == user_id)
        .order_by(Team.created_at.desc())
        .limit(limit)
        .options(joinedload(Team.competition, innerjoin=True))
    )
    return list(session.scalars(query))


def fetch_member_names(session: Session, team_id: str) -> list[str]:
    query = select(User.name).join(TeamMember, TeamMember.user_id == User.id).where(TeamMember.team_id == team_id)
    return list(session.scalars(query.order_by(TeamMember.joined_at)))
