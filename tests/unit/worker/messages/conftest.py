"""What both ways of delivering need: a database, settings, and what became of the messages."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from core.db.models.notifications import Delivery
from core.db.session import reading
from core.settings import Settings
from tests.database import make_database

INVITATION = {"competition": "digits", "team": "the two", "invited_by": "bob"}


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_database(tmp_path)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_folder=tmp_path, webhooks_to_loopback=True, sweep_seconds=0.01)


def load(engine: Engine) -> list[Delivery]:
    with reading(engine) as session:
        return list(session.scalars(select(Delivery).order_by(Delivery.id)))
