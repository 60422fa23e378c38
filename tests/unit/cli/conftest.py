from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina
from typer.testing import CliRunner

from cli.app import app
from core.settings import get_settings
from tests.unit.cli.fakes import FakeServer

GOOD = "def unlearning(net, retain_loader, forget_loader, val_loader):\n    return net\n"


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test reads or writes the account of whoever runs it."""
    for name in ("LACUNA_URL", "LACUNA_TOKEN", "LACUNA_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("LACUNA_DATA_FOLDER", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    with stamina.set_testing(True, attempts=4, cap=True):  # no pauses between attempts
        yield
    get_settings.cache_clear()


@pytest.fixture
def run() -> Callable[..., Any]:
    """Run `lacuna` with these arguments; what it raises is a failure of the test."""

    def invoke(*arguments: object, text: str | None = None) -> Any:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=text)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.py"
    path.write_text(GOOD)
    return path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    """A server that every command talks to."""
    fake = FakeServer()
    for module in ("cli.remote", "cli.accounts"):
        monkeypatch.setattr(f"{module}.LacunaClient", lambda _url, token=None: fake.client(token))
    fake.on("GET", "/competitions", {"items": [{"slug": "digits", "title": "Digits", "state": "open"}]})
    return fake
