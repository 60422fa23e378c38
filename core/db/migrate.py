"""Bring a database to the newest revision."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.orm import Session

from core.db.queries import boards, competitions
from core.db.session import get_engine, transaction
from core.domain.history import Cause

ROOT = Path(__file__).resolve().parent.parent.parent


def make_config(url: str) -> Config:
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade_database(url: str) -> None:
    command.upgrade(make_config(url), "head")
    with transaction(get_engine(url)) as session:
        adopt_boards(session)


def adopt_boards(session: Session) -> None:
    """Competitions from before boards had a history begin it with what stands there now."""
    for row in competitions.fetch_competitions(session):
        if boards.fetch_board(session, row.id, row.spec_id) is None:
            boards.refresh(session, row.id, row.spec_id, Cause.ADOPTED)
