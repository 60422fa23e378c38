"""Shared by the tests of the commands and of the client."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina

from core.settings import get_settings


@pytest.fixture
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
