"""The time of a PostgreSQL server reaches a process whose own host is wrong."""

from datetime import UTC, datetime, timedelta

import pytest

from core.db import base
from core.db.clock import Clock
from core.db.session import get_engine, reading, transaction

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_the_servers_clock_counts(postgres_url: str, hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Clock(host=lambda: datetime.now(UTC) + timedelta(hours=hours))
    monkeypatch.setattr(base, "CLOCK", wrong)
    monkeypatch.setattr("core.db.session.CLOCK", wrong)
    engine = get_engine(postgres_url)
    for opened in (reading, transaction):
        with opened(engine):
            assert abs(base.utc_now() - datetime.now(UTC)) < timedelta(seconds=2)
    engine.dispose()
