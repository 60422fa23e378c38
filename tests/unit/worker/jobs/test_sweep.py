"""What one sweep fails at holds up nothing else of it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from core.db.base import utc_now
from core.db.models.operations import Outbox
from core.db.models.submissions import Shard
from core.db.queries import leases
from core.db.session import reading, transaction
from core.domain.work import WorkState
from tests.unit.worker.conftest import HONEST, Platform, make_spec
from worker.jobs import sweep as module
from worker.jobs.shards import retry_or_fail
from worker.jobs.sweep import sweep


@pytest.fixture
def lost(platform: Platform) -> list[str]:
    """Shards whose workers were never heard of again."""
    competition = platform.open_competition(make_spec())
    for number in range(2):
        platform.submit(competition, HONEST + b"\n" * number)
    shard_ids = [shard_id for _, shard_id in platform.drop_messages()]
    long_ago = utc_now() - timedelta(hours=1)
    with transaction(platform.engine) as session:
        for shard_id in shard_ids:
            leases.claim(session, Shard, shard_id, worker="dead", now=long_ago, until=long_ago)
    return shard_ids


def test_a_row_that_cannot_be_dealt_with_holds_up_no_other(
    platform: Platform, lost: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_at_first(session: Any, evaluation: Any, shard_id: str, **values: Any) -> None:
        if shard_id == lost[0]:
            raise KeyError("nobody expected that")
        retry_or_fail(session, evaluation, shard_id, **values)

    monkeypatch.setattr(module, "retry_or_fail", fail_at_first)
    with pytest.raises(KeyError, match="nobody expected"):  # it is told once everything else was done
        sweep(platform.context)
    with reading(platform.engine) as session:
        states = [session.get_one(Shard, shard_id).state for shard_id in lost]
        assert states == [WorkState.LEASED, WorkState.PENDING]
        assert session.scalars(select(Outbox.object_id)).all() == [lost[1]]
    assert len(platform.sandbox.killed) == 1


def test_without_a_database_nothing_else_is_tried(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_it_away(_context: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("the server is gone"))

    monkeypatch.setattr(module, "remind", find_it_away)
    with pytest.raises(OperationalError):
        sweep(platform.context)
    assert platform.sandbox.killed == []
