"""Commands that open the platform's database, where there is none of ours: one line, and nothing is touched."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cli.here.processes import LocalPlatform
from core.db.migrate import upgrade_database
from core.db.session import get_engine, transaction
from core.domain.errors import PlatformFault
from core.settings import Settings, get_settings
from tests import factories
from tests.ports import find_free_port
from worker.open_competitions import main as open_competitions

Run = Callable[..., Any]
FILE = "lacuna.sqlite"


def leave_empty(folder: Path) -> None:
    return


def write_nothing(folder: Path) -> None:
    (folder / FILE).touch()


def write_text(folder: Path) -> None:
    (folder / FILE).write_text("Dear reader, this is a letter and no database.\n" * 100)


def make_strange_tables(folder: Path) -> None:
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.execute("CREATE TABLE letters (body TEXT)")


def make_newer(folder: Path) -> None:
    upgrade_database(f"sqlite:///{folder / FILE}")
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999_future'")
        connection.commit()


FOLDERS = (leave_empty, write_nothing, write_text, make_strange_tables, make_newer)
COMMANDS = (("grant", "ann", "organizer"), ("admin", "backup", "kept"), ("admin", "restore", "kept"))


@pytest.fixture(params=FOLDERS, ids=lambda make: make.__name__)
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    request.param(folder)
    monkeypatch.setenv("LACUNA_DATA_FOLDER", str(folder))
    get_settings.cache_clear()
    return folder


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_says_in_one_line_what_is_wrong(run: Run, folder: Path, command: tuple[str, ...]) -> None:
    before = read(folder)
    result = run(*command)
    assert result.exit_code != 0
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.strip().splitlines()) == 1
    assert read(folder) == before


def test_competitions_are_not_opened_where_no_tables_are(folder: Path) -> None:
    before = read(folder)
    assert open_competitions(["digits"]) == 1
    assert read(folder) == before


@pytest.mark.parametrize("make", [write_text, make_newer])
def test_a_platform_does_not_start_on_what_is_not_its_database(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path)
    before = read(tmp_path)
    settings = Settings(data_folder=tmp_path, api_port=find_free_port(), broker_url="redis://127.0.0.1:1/0")
    with pytest.raises(PlatformFault) as fault:
        LocalPlatform(settings, []).__enter__()
    assert "\n" not in fault.value.message
    assert read(tmp_path) == before


def test_a_role_is_given_where_the_account_is(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LACUNA_DATA_FOLDER", str(tmp_path))
    get_settings.cache_clear()
    upgrade_database(get_settings().resolved_database_url)
    with transaction(get_engine(get_settings().resolved_database_url)) as session:
        factories.make_user(session, "ann")
    assert run("grant", "ann", "organizer").stdout == "ann is now organizer\n"
    missing = run("grant", "nobody", "organizer")
    assert (missing.exit_code, len(missing.stderr.strip().splitlines())) == (1, 1)


def read(folder: Path) -> object:
    """The file's tables; or its bytes, if it has none."""
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall() or path.read_bytes()
    except sqlite3.DatabaseError:
        return path.read_bytes()
