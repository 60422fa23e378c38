"""Bring a database to the newest revision."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from core.domain.errors import PlatformFault

ROOT = Path(__file__).resolve().parent.parent.parent


def make_config(url: str) -> Config:
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade_database(url: str) -> None:
    """Raises PlatformFault, in one line, for a database of a revision that is not ours."""
    try:
        command.upgrade(make_config(url), "head")
    except CommandError as error:
        raise PlatformFault(str(error)) from None


def find_head() -> str:
    """The newest revision that this release has."""
    return str(ScriptDirectory.from_config(make_config("sqlite://")).get_current_head())


def list_revisions() -> set[str]:
    scripts = ScriptDirectory.from_config(make_config("sqlite://")).walk_revisions()
    return {script.revision for script in scripts}
