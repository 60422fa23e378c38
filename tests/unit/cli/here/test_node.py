"""`lacuna node`: what is kept on the machine, and what ends a start with one line."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.here import node
from core.domain.errors import NotAuthenticated, PlatformFault
from core.settings import Settings

Run = Callable[..., Any]
KEY = "lcn_secret"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(node, "get_settings", lambda: Settings(data_folder=tmp_path))
    monkeypatch.setattr(node.signal, "signal", lambda *_: None)
    return tmp_path / "node"


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Settings]]:
    """Where a node would have run, and how."""
    calls: list[tuple[str, Settings]] = []
    known = node.load

    def load(module: str, name: str) -> Any:
        if name == "run_node":
            return lambda link, settings, standing, folder: calls.append((link.url, settings))
        return known(module, name)

    monkeypatch.setattr(node, "load", load)
    return calls


def test_joining_keeps_server_and_key_for_the_next_time(
    run: Run, folder: Path, ran: list[tuple[str, Settings]]
) -> None:
    assert run("node", "join", "https://lacuna.example.org", KEY, "--workers", "3", "--class", "gpu").exit_code == 0
    assert json.loads((folder / "joined.json").read_text())["token"] == KEY
    assert (folder / "joined.json").stat().st_mode & 0o777 == 0o600
    assert run("node", "join").exit_code == 0
    assert [url for url, _ in ran] == ["https://lacuna.example.org"] * 2
    assert (ran[0][1].workers, ran[0][1].node_class) == (3, "gpu")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "lacuna node join URL TOKEN"),
        (("http://10.0.0.1:8400", KEY), "not encrypted"),
        (("example.org", KEY), "is not a server's address"),
        (("https://example.org", KEY, "--ca", "nowhere.pem"), "cannot read certificates"),
    ],
)
def test_what_cannot_be_joined_is_said_in_one_line(
    run: Run, folder: Path, ran: list[tuple[str, Settings]], words: tuple[str, ...], told: str
) -> None:
    shown = run("node", "join", *words)
    assert shown.exit_code == 1
    assert told in shown.output.replace("\n", " ")
    assert not ran


@pytest.mark.parametrize(("error", "code"), [(NotAuthenticated("it is unknown"), 1), (PlatformFault("it fails"), 4)])
def test_why_a_node_ended_is_its_last_line(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    known = node.load

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(node, "load", lambda module, name: fail if name == "run_node" else known(module, name))
    shown = run("node", "join", "https://lacuna.example.org", KEY)
    assert shown.exit_code == code
    assert str(error) in shown.output


def test_leaving_ends_the_node_and_forgets_the_key(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no node joined from this machine" in run("node", "leave").output
    left, killed = threading.Event(), []

    def hold() -> None:
        with node._hold(folder):
            held.set()
            left.wait(10)

    held = threading.Event()
    running = threading.Thread(target=hold)
    running.start()
    held.wait(10)
    (folder / "joined.json").write_text("{}")
    (folder / "pid").write_text(str(os.getpid()))

    def kill(process: int, _number: int) -> None:
        killed.append(process)
        left.set()

    monkeypatch.setattr(node.os, "kill", kill)
    assert "a node runs here already" in run("node", "join", "https://lacuna.example.org", KEY).output
    assert run("node", "leave").exit_code == 0
    running.join()
    assert killed == [os.getpid()]
    assert not (folder / "joined.json").exists()


def test_the_number_of_a_process_that_is_gone_is_not_killed(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir(parents=True)
    (folder / "joined.json").write_text("{}")
    (folder / "pid").write_text(str(os.getpid()))
    monkeypatch.setattr(node.os, "kill", lambda *_: pytest.fail("it is another process"))
    assert run("node", "leave").exit_code == 0
