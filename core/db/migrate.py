"""Bring a database to the newest revision."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from core.db.queries.tables import fetch_revision
from core.db.session import has_database, reading
from core.domain.errors import PlatformFault

ROOT = Path(__file__).resolve().parent.parent.parent


def make_config(url: str) -> Config:
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade_database(url: str) -> None:
    """Raises PlatformFault, in one line, for a database of a revision that is not ours, and for what is none."""
    config = make_config(url)
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise PlatformFault(str(error)) from None
    except DatabaseError as error:
        raise explain_unopened(make_url(url), error) from None


def explain_unopened(url: URL, error: SQLAlchemyError) -> PlatformFault:
    """The fault of a database that cannot be opened, in one line without a password."""
    reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    return PlatformFault(f"cannot open the database {url.render_as_string(hide_password=True)}: {reason}")


def check_revision(engine: Engine) -> None:
    """Raise PlatformFault, in one line, for a database that another version made; one that is empty may become ours."""
    if not has_database(engine):
        return
    with reading(engine) as session:
        revision = fetch_revision(session)
    if revision is not None and revision not in list_revisions():
        where = engine.url.render_as_string(hide_password=True)
        raise PlatformFault(
            f"the database {where} was made by another version: this one has no revision {revision}; "
            "run that version, or name another database"
        )


def check_tables(engine: Engine) -> None:
    """Raise PlatformFault, in one line, unless the database has this version's tables."""
    where = engine.url.render_as_string(hide_password=True)
    if not has_database(engine):
        raise PlatformFault(f"there is no database {where}: set LACUNA_DATA_FOLDER, or start the platform there once")
    try:
        check_revision(engine)
        with reading(engine) as session:
            revision = fetch_revision(session)
    except DatabaseError as error:
        raise explain_unopened(engine.url, error) from None
    if revision != find_head():
        raise PlatformFault(f"the database {where} has not this version's tables: run `alembic upgrade head`")


def find_head() -> str:
    """The newest revision that this release has."""
    return str(ScriptDirectory.from_config(make_config("sqlite://")).get_current_head())


def list_revisions() -> set[str]:
    scripts = ScriptDirectory.from_config(make_config("sqlite://")).walk_revisions()
    return {script.revision for script in scripts}
