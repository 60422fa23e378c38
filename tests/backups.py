"""A platform with something in every corner that a backup must keep, and what two platforms have in common."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from core.db.base import utc_now
from core.db.models.submissions import Shard
from core.db.queries import audit, boards, evaluations, leases, tables
from core.db.queries.teams import make_team_of_one
from core.db.session import snapshot, transaction
from core.domain.history import Cause
from core.storage import FolderStore
from tests import factories

FOREIGN = "Zoë 🧪 \u2028 line"


def fill(engine: Engine, store: FolderStore) -> None:
    """Three scored teams, a board of five changes, an audit log, and work that somebody holds: a shard and a score."""
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits")
        for name, score in (("ann", 0.3), ("bob", 0.5), (FOREIGN, 0.4)):
            user = factories.make_user(session, name)
            team = make_team_of_one(session, competition.id, user)
            digest = store.put(name.encode())
            values: dict[str, Any] = {"team_id": team.id, "filename": f"{name}.py", "source_digest": digest}
            row = factories.make_scored(session, competition, user, score, **values)
            audit.record(session, actor="org", action="look", subject=f"submission/{row.id}", detail={"why": name})
        for cause in (Cause.DISQUALIFIED, Cause.REINSTATED):
            row.disqualified_at = utc_now() if cause is Cause.DISQUALIFIED else None
            boards.refresh_everywhere(session, row.id, cause)
        waiting = factories.make_submission(session, competition, user, source_digest=store.put(b"waits"))
        evaluation = factories.make_evaluation(session, waiting, status="scoring")
        session.refresh(evaluation, ["shards"])
        now = utc_now()
        leases.claim(session, Shard, evaluation.shards[0].id, worker="gone", now=now, until=now + timedelta(hours=1))
        evaluations.claim_scoring(session, evaluation.id, now=now, until=now + timedelta(hours=1))
    store.set_ref("pools/digits/0-31", store.put(b"a chunk"))


def read_all(engine: Engine, *without: str) -> dict[str, list[list[Any]]]:
    """Every row of every table but these."""
    with snapshot(engine) as session:
        return {
            table.name: list(tables.iter_rows(session, table))
            for table in tables.list_tables()
            if table.name not in without
        }
