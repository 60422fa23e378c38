"""`lacuna admin backup` and `restore`: what they print, and which exit code they end with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.db.migrate import upgrade_database
from core.db.session import get_engine
from core.settings import get_settings
from core.storage import FolderStore
from tests.backups import fill

Run = Callable[..., Any]


@pytest.fixture
def move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Go to another machine: another data folder."""

    def to(name: str) -> Path:
        monkeypatch.setenv("LACUNA_DATA_FOLDER", str(tmp_path / name))
        get_settings.cache_clear()
        return tmp_path / name

    return to


@pytest.fixture
def filled(move: Callable[[str], Path]) -> Path:
    folder, url = move("first"), get_settings().resolved_database_url
    upgrade_database(url)
    fill(get_engine(url), FolderStore(folder / "store"))
    return folder


def test_a_platform_moves_to_another_machine(run: Run, move: Callable[[str], Path], filled: Path) -> None:
    made = run("admin", "backup", "kept")
    assert made.exit_code == 0
    assert made.stdout.startswith("kept holds ")
    move("second")
    result = run("admin", "restore", "kept")
    assert result.exit_code == 0
    assert "2 pieces of work were held and are free again" in result.stdout
    assert "1 boards and the audit log hold" in result.stdout


def test_a_lost_blob_is_named_and_the_backup_is_kept(run: Run, filled: Path) -> None:
    lost = FolderStore(filled / "store").put(b"waits")
    (filled / "store" / "blobs" / lost[:2] / lost).unlink()
    result = run("admin", "backup", "kept")
    assert result.exit_code == 4
    assert lost in result.stderr
    assert Path("kept/manifest.json").is_file()


def test_a_refusal_is_one_line(run: Run, filled: Path) -> None:
    run("admin", "backup", "kept")
    result = run("admin", "restore", "kept")
    assert result.exit_code == 1
    assert "is not empty" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_database_that_is_away_is_one_line(run: Run, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LACUNA_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    get_settings.cache_clear()
    result = run("admin", "backup", "kept")
    assert result.exit_code == 4
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("place", ["http://backup.example/x?signature=s3cret", "filled.txt/kept", "/proc/kept"])
def test_a_place_that_will_not_do_is_one_line(run: Run, filled: Path, place: str) -> None:
    Path("filled.txt").write_text("")
    for command in ("backup", "restore"):
        result = run("admin", command, place)
        assert result.exit_code != 0
        assert len(result.stderr.strip().splitlines()) == 1
        assert "s3cret" not in result.stderr
