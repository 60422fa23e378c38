"""How the platform is, for everybody: what waits, who works, what failed on our side. No names, no hidden run."""

from datetime import timedelta

from sqlalchemy.orm import Session

from api.kept import Kept
from api.operations.schemas import Condition, Incident, StatusView
from core.db.base import utc_now
from core.db.queries import nodes, operations
from core.domain.operations import FORGOTTEN_AFTER
from core.domain.submission import Status

ROUNDED_SECONDS = 15  # nobody learns to the second when a hidden run ends, and many readers cost one look
LONG = timedelta(minutes=10)
_STATUS: Kept[StatusView] = Kept(most=4)


def load_status(session: Session) -> StatusView:
    """The same for a quarter of a minute."""
    now = utc_now()
    place = (str(session.get_bind().engine.url), int(now.timestamp()) // ROUNDED_SECONDS)
    return _STATUS.get(place, lambda: _look(session))


def _look(session: Session) -> StatusView:
    now = utc_now()
    groups = operations.fetch_live_groups(session)
    queued = [group for group in groups if group.status is Status.QUEUED]
    known = nodes.fetch_nodes(session, now - FORGOTTEN_AFTER)
    working = sum(nodes.takes_work(node, now) for node in known)
    oldest = min((group.oldest for group in queued), default=None)
    waited = now - oldest if oldest is not None else None
    is_slow = waited is not None and waited > LONG
    return StatusView(
        condition=Condition.AWAY if not working else Condition.SLOW if is_slow else Condition.WORKING,
        waiting=sum(group.count for group in queued),
        running=sum(group.count for group in groups) - sum(group.count for group in queued),
        oldest_minutes=int(waited.total_seconds()) // 60 if waited is not None else None,
        nodes=len(known),
        nodes_working=working,
        incidents=[Incident(day=day, failed=count) for day, count in operations.count_our_failures(session, now)],
    )
