"""What stands above every tab of a competition: state, time and quota left, one's place, and what to do next."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from api.competitions import service as competitions
from api.competitions.schemas import CompetitionView, LimitsView
from api.deps import Caller
from api.leaderboard import service as leaderboard
from api.leaderboard.current import find_current_view
from api.leaderboard.schemas import OwnPlace
from api.rules.service import make_view as make_rules_view
from core.db.models.contests import Competition
from core.db.queries import history
from core.domain.competition import CompetitionState
from core.domain.phases import PhaseState
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class NextStep:
    """What the reader can do now; without an address there is nothing to do but wait."""

    words: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Strip:
    competition: CompetitionView
    limits: LimitsView | None  # None for who is not logged in
    own: OwnPlace | None  # None without a team
    step: NextStep | None


def load_strip(session: Session, settings: Settings, row: Competition, caller: Caller) -> Strip:
    view = competitions.make_view(session, settings, row, caller)
    limits = competitions.make_limits(session, settings, row, caller) if caller.user_id else None
    return Strip(view, limits, find_own_place(session, row, caller), _find_step(session, row, view, limits, caller))


def find_own_place(session: Session, row: Competition, caller: Caller) -> OwnPlace | None:
    """On the board that the reader sees now."""
    team = history.fetch_own_team(session, row.id, caller.user_id) if caller.user_id else None
    return leaderboard.load_own(session, find_current_view(session, row, caller), team) if team else None


def _find_step(
    session: Session, row: Competition, view: CompetitionView, limits: LimitsView | None, caller: Caller
) -> NextStep | None:
    here = f"/competitions/{row.slug}"
    if view.state is CompetitionState.PREPARING:
        return NextStep("It opens when its models are trained")
    if view.state is not CompetitionState.OPEN:
        return _find_last_step(view, limits, here)
    if limits is None:
        return NextStep("Log in to submit", f"/login?next={here}/submit")
    if make_rules_view(session, row, caller).must_accept:
        return NextStep("Accept the rules", f"{here}/rules")
    practice = limits.practice
    if limits.left > 0:
        return NextStep("Submit", f"{here}/submit")
    if practice is not None and practice.left > 0:
        return NextStep("Practise", f"{here}/submit?practice=true")
    return NextStep("The quota is spent for today")


def _find_last_step(view: CompetitionView, limits: LimitsView | None, here: str) -> NextStep | None:
    if view.private_phase is PhaseState.PUBLISHED:
        return NextStep("Final leaderboard", f"{here}/leaderboard")
    if view.private_phase is not None and limits is not None:
        return NextStep("Final selection", f"{here}/selection")
    return None
