"""Make, rename, join and leave teams; every change holds the competition's lock, as submitting does."""

from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller
from api.teams.schemas import InviteView, MemberView, OwnTeam, TeamView
from core.db.base import utc_now
from core.db.models.accounts import User
from core.db.models.contests import Competition, Team, TeamInvite
from core.db.queries import boards, competitions, deliveries, grants, teams, users
from core.domain.errors import Conflict, NotAllowed, NotAuthenticated, NotFound
from core.domain.history import Cause
from core.domain.teams import check_joint_history, check_open, check_size


def load_own(session: Session, slug: str, caller: Caller) -> OwnTeam:
    competition = load_competition(session, slug)
    team = teams.fetch_team_of(session, competition.id, caller.member_id)
    invites = teams.fetch_invites_to(session, competition.id, caller.member_id)
    return OwnTeam(
        team=make_view(session, team) if team else None, invites=[_make_invite_view(invite) for invite in invites]
    )


def make_view(session: Session, team: Team) -> TeamView:
    return TeamView(
        id=team.id,
        competition=team.competition.slug,
        name=team.name,
        members=[
            MemberView(name=each.user.name, is_leader=each.user_id == team.leader_id, joined_at=each.joined_at)
            for each in team.members
        ],
        invites=[_make_invite_view(invite) for invite in teams.fetch_invites_of(session, team.id)],
        submissions=teams.count_submissions(session, team.id),
    )


def create(session: Session, slug: str, name: str, caller: Caller) -> Team:
    competition = _lock(session, load_competition(session, slug).id)
    if teams.fetch_team_of(session, competition.id, caller.member_id) is not None:
        raise Conflict("you are in a team already: rename it, or leave it first")
    _check_name(session, competition, name, caller)
    team = teams.store_team(session, competition.id, name, caller.member_id)
    teams.delete_invites_to(session, competition.id, caller.member_id)
    return _reload(session, team)


def rename(session: Session, team_id: str, name: str, caller: Caller) -> Team:
    team, competition = _load_led(session, team_id, caller)
    _check_name(session, competition, name, caller, own=team)
    team.name, team.folded_name = name, name.lower()
    boards.refresh_teams(session, competition.id, competition.spec_id, Cause.RENAMED, [team.id])
    return team


def invite(session: Session, team_id: str, user_name: str, caller: Caller) -> Team:
    team, competition = _load_led(session, team_id, caller)
    user = users.fetch_user_by_name(session, user_name)
    if user is None:
        raise NotFound(f"no account named {user_name!r}", field="user")
    if any(member.user_id == user.id for member in team.members):
        raise Conflict(f"{user.name} is in the team already", field="user")
    waiting = teams.fetch_invites_of(session, team.id)
    if any(each.user_id == user.id for each in waiting):
        raise Conflict(f"{user.name} is invited already", field="user")
    check_size(len(team.members) + len(waiting) + 1, competition.team_size)
    teams.store_invite(session, team.id, user.id)
    deliveries.announce_invitation(session, team, user.id, slug=competition.slug, inviter=caller.name)
    return _reload(session, team)


def accept(session: Session, invite_id: str, caller: Caller) -> Team:
    """Join; whoever leads a team brings all of it along, submissions and spent quota included."""
    found = _load_invite(session, invite_id)
    if found.user_id != caller.member_id:
        raise NotFound("no such invitation")
    competition = _lock(session, found.team.competition_id)
    target = _reload(session, found.team)
    own = teams.fetch_team_of(session, competition.id, caller.member_id)
    if own is None:
        check_size(len(target.members) + 1, competition.team_size)
        teams.add_member(session, target, caller.member_id)
    else:
        _merge(session, competition, own, target, caller)
    teams.delete_invites_to(session, competition.id, caller.member_id)
    return _reload(session, target)


def decline(session: Session, invite_id: str, caller: Caller) -> None:
    """By whom it invites, or taken back by the leader who wrote it."""
    found = _load_invite(session, invite_id)
    if caller.member_id not in (found.user_id, found.team.leader_id):
        raise NotFound("no such invitation")
    teams.delete_invite(session, found)


def leave(session: Session, team_id: str, caller: Caller) -> None:
    """What was submitted stays with the team, and still counts against the quota of who uploaded it."""
    team = _load_joined(session, team_id, caller)
    _lock(session, team.competition_id)
    others = [member for member in team.members if member.user_id != caller.member_id]
    if not others and teams.count_submissions(session, team.id):
        raise Conflict("you are the last member of a team that has submitted: somebody has to answer for its entries")
    if not others:
        teams.delete_team(session, team)
        return
    teams.remove_member(session, team.id, caller.member_id)
    if team.leader_id == caller.member_id:
        team.leader_id = others[0].user_id


def find_or_make(session: Session, competition: Competition, user_id: str) -> Team:
    """The team a submission is for: one's own, or a new one of oneself alone."""
    team = teams.fetch_team_of(session, competition.id, user_id)
    if team is not None:
        return team
    user = users.fetch_user(session, user_id)
    if user is None:
        raise NotAuthenticated("the account is gone")
    return teams.make_team_of_one(session, competition.id, user)


def _merge(session: Session, competition: Competition, source: Team, target: Team, caller: Caller) -> None:
    if source.leader_id != caller.member_id:
        raise Conflict(f"you are in the team {source.name}: leave it first, or let its leader merge the two")
    check_size(len(source.members) + len(target.members), competition.team_size)
    check_joint_history(
        teams.count_entries_of(session, competition.id, [source.id, target.id]),
        daily_limit=competition.daily_limit,
        total_limit=competition.total_limit,
        granted=sum(grants.sum_grants(session, competition.id, team.leader_id) for team in (source, target)),
        opened_at=competition.created_at,
        now=utc_now(),
    )
    for member in source.members:
        teams.delete_invites_to(session, competition.id, member.user_id)
    merged = [source.id, target.id]
    teams.move_everything(session, source, target)
    boards.refresh_teams(session, competition.id, competition.spec_id, Cause.MERGED, merged)


def _check_name(session: Session, competition: Competition, name: str, caller: Caller, own: Team | None = None) -> None:
    """A team may carry a member's name, and nobody else's."""
    taken = teams.fetch_team_by_name(session, competition.id, name)
    if taken is not None and (own is None or taken.id != own.id):
        raise Conflict(f"the name {name!r} is taken", field="name")
    user: User | None = users.fetch_user_by_folded_name(session, name)
    if user is not None and user.id != caller.member_id:
        raise Conflict(f"{name!r} is the name of somebody else's account", field="name")


def _lock(session: Session, competition_id: str) -> Competition:
    competition = competitions.lock_competition(session, competition_id)
    check_open(competition.slug, competition.state_at(utc_now()))
    return competition


def _load_joined(session: Session, team_id: str, caller: Caller) -> Team:
    team = teams.fetch_team(session, team_id)
    if team is None or all(member.user_id != caller.member_id for member in team.members):
        raise NotFound("no such team of yours")
    return team


def _load_led(session: Session, team_id: str, caller: Caller) -> tuple[Team, Competition]:
    team = _load_joined(session, team_id, caller)
    competition = _lock(session, team.competition_id)
    if team.leader_id != caller.member_id:
        raise NotAllowed("only the leader of a team may do this")
    return team, competition


def _load_invite(session: Session, invite_id: str) -> TeamInvite:
    found = teams.fetch_invite(session, invite_id)
    if found is None:
        raise NotFound("no such invitation")
    return found


def _reload(session: Session, team: Team) -> Team:
    session.flush()
    whole = teams.fetch_team(session, team.id)
    if whole is None:
        raise NotFound("the team is gone")
    return whole


def _make_invite_view(invite: TeamInvite) -> InviteView:
    return InviteView(id=invite.id, team=invite.team.name, user=invite.user.name, created_at=invite.created_at)
