from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.app import app
from tests.unit.cli.fakes import FakeServer

CARD = {
    "slug": "digits",
    "problem": {"exposure": "public", "evaluation": {"batch_format": "pair", "data_bytes": 2048}},
    "practice": None,
}
GOOD = "def unlearning(net, retain_loader, forget_loader, val_loader):\n    return net\n"


@pytest.fixture(autouse=True)
def _own_home(own_home: None) -> None:
    """No test here reads or writes the account of whoever runs it."""


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
    for module in ("cli.show.remote", "cli.server.log_in"):
        monkeypatch.setattr(f"{module}.LacunaClient", lambda _url, token=None: fake.client(token))
    fake.on("GET", "/competitions", {"items": [{"slug": "digits", "title": "Digits", "state": "open"}]})
    fake.on("GET", "/competitions/digits", CARD)
    return fake
