"""Messages on PostgreSQL, where several senders really do run at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import Engine

from core.db.base import utc_now
from core.db.migrate import upgrade_database
from core.db.models.notifications import Webhook
from core.db.queries import deliveries
from core.db.session import get_engine, reading, transaction
from core.domain.notifications import Event
from tests import factories

pytestmark = pytest.mark.integration
SENDERS, MESSAGES = 4, 40


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    upgrade_database(postgres_url)
    engine = get_engine(postgres_url)
    yield engine
    engine.dispose()


def test_no_message_is_claimed_by_two_senders_at_once(engine: Engine) -> None:
    with transaction(engine) as session:
        user = factories.make_user(session, "ann")
        session.add(
            Webhook(user_id=user.id, url="https://host.example", events=(Event.TEAM_INVITED,), secret="whsec_none")
        )
        session.flush()
        for _ in range(MESSAGES):
            deliveries.announce(session, Event.TEAM_INVITED, [user.id], {"team": "one"})
    together = Barrier(SENDERS)

    def claim(_: int) -> list[str]:
        together.wait(10)
        taken: list[str] = []
        while True:
            with transaction(engine) as session:
                rows = deliveries.claim_due(session, utc_now(), patience=timedelta(minutes=1), limit=3)
            if not rows:
                return taken
            taken += [row.id for row in rows]

    with ThreadPoolExecutor(SENDERS) as places:
        taken = [each for part in places.map(claim, range(SENDERS)) for each in part]
    assert len(taken) == len(set(taken)) == MESSAGES
    with transaction(engine) as session:
        assert deliveries.settle(session, taken[0], 1, state="delivered", finished_at=utc_now())
        assert not deliveries.settle(session, taken[0], 1, state="failed")
    with transaction(engine) as session:
        deliveries.delete_old(session, utc_now() + timedelta(days=1))
    with reading(engine) as session:
        assert len(deliveries.fetch_deliveries(session, user.id, webhook_id=None, limit=99)) == MESSAGES - 1
