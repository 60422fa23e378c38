import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.late import LATE_COMMANDS
from cli.main import run as run_main

Run = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("torch", "numpy", "sqlalchemy", "celery", "worker", "sandbox")


def test_the_commands_load_nothing_heavy() -> None:
    code = f"import sys, cli.app; print([name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_image_of_the_api_holds_what_backup_and_grant_need() -> None:
    held = set(re.findall(r"^COPY (\w+) \1/$", (ROOT / "api/Dockerfile").read_text(), flags=re.M))
    code = "import sys, cli.app, cli.here.backup, cli.here.grant; print(*{name.split('.')[0] for name in sys.modules})"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    ours = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert set(found.stdout.split()) & ours == {"core", "client", "cli"} <= held
    assert {f"!{name}" for name in held} <= set((ROOT / ".dockerignore").read_text().splitlines())


@pytest.mark.parametrize(
    "name", ["demo", "up", "grant", "validate", "doctor", "evaluate", "submit", "status", "leaderboard", "problem"]
)
def test_every_command_is_in_the_help(run: Run, name: str) -> None:
    assert f" {name} " in run("--help").stdout


@pytest.mark.parametrize("name", sorted(LATE_COMMANDS))
def test_a_late_command_shows_its_own_options(run: Run, name: str) -> None:
    result = run(*name.split(), "--help")
    assert result.exit_code == 0
    assert f"lacuna {name}" in result.stdout or f" {name} " in result.stdout


@pytest.mark.parametrize("name", ["backup", "restore", "queue", "apply"])
def test_what_an_admin_does_here_stands_beside_what_a_server_does(run: Run, name: str) -> None:
    assert f" {name} " in run("admin", "--help").stdout


def test_a_late_command_is_found_in_its_own_group_alone(run: Run) -> None:
    assert run("backup").exit_code == 2
    assert run("admin", "grant").exit_code == 2


def test_an_unknown_command_is_refused_without_a_traceback(run: Run) -> None:
    result = run("nope")
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_a_wrong_setting_is_one_line(
    run: Run, good: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LACUNA_API_PORT", "many")
    result = run("validate", good)
    assert result.exit_code == 1
    assert "setting LACUNA_API_PORT" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_the_entry_point_runs_a_command(
    good: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["lacuna", "validate", str(good)])
    with pytest.raises(SystemExit) as caught:
        run_main()
    assert caught.value.code == 0
    assert "ok: " in capsys.readouterr().out
