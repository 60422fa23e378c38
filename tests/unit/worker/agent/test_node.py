"""A node from its first word to its last: it tries its boxes, is refused, is told to stop, and says why."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.domain.errors import Conflict, ContestError, InvalidInput, NotAuthenticated, PlatformFault
from core.domain.promises import Finding, Promise, Trial
from core.node_records import NodeReport, NodeTerms, Offer
from core.settings import Settings
from worker.agent import node, patience
from worker.agent.link import ServerAway
from worker.agent.patience import Standing

HELD = tuple(Trial(each, Finding.HELD) for each in Promise)
BROKEN = (Trial(Promise.NETWORK, Finding.BROKEN, "it got out"), *HELD[1:])


@dataclass
class FakeLink:
    """Answers reports in turn, the last one again and again; gives no work."""

    url: str = "https://lacuna.example.org"
    answers: list[ContestError | bool] = field(default_factory=lambda: [False])  # or whether it drains
    production: bool = False
    reports: list[NodeReport] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def report(self, report: NodeReport) -> NodeTerms:
        self.reports.append(report)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, ContestError):
            raise answer
        return NodeTerms(
            name="gpu-1",
            purposes=[],
            lease_seconds=30,
            upload_bytes=1000,
            production=self.production,
            server_time=datetime.now(UTC),
            is_draining=answer,
        )

    def ask(self, _instance: str) -> Offer | None:
        threading.Event().wait(0.01)
        return None

    def leave(self, instance: str) -> None:
        self.left.append(instance)


Run = Callable[[FakeLink], list[str]]


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[Trial]:
    found = list(HELD)
    monkeypatch.setattr(node, "choose_sandbox", lambda _settings: type("Box", (), {"name": "fake"})())
    monkeypatch.setattr(node, "try_promises", lambda _sandbox: tuple(found))
    monkeypatch.setattr(node, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.001)
    return found


def run(link: FakeLink, folder: Path, *, over_after: float = 5.0) -> list[str]:
    said: list[str] = []
    standing = Standing(said.append)
    timer = threading.Timer(over_after, standing.over.set)
    timer.start()
    try:
        folder.mkdir(exist_ok=True)
        node.run_node(link, Settings(data_folder=folder, workers=1), standing, folder)  # type: ignore[arg-type]
    finally:
        timer.cancel()
    return said


def test_a_node_says_what_it_is_and_leaves_when_it_is_told_to(trials: list[Trial], tmp_path: Path) -> None:
    link = FakeLink()
    [joined] = run(link, tmp_path, over_after=0.1)
    assert "gpu-1 works for https://lacuna.example.org: 1 at once in fake, class cpu" in joined
    assert link.left == [link.reports[0].instance]
    assert len(link.reports[0].promises) == len(Promise)
    again = FakeLink()
    run(again, tmp_path, over_after=0.05)
    assert again.reports[0].instance == link.reports[0].instance  # the same machine, after whatever


def test_a_promise_that_is_not_held_is_told_to_the_server_and_ends_the_start(
    trials: list[Trial], tmp_path: Path
) -> None:
    trials[:] = BROKEN
    link = FakeLink()
    with pytest.raises(PlatformFault, match="it got out"):
        run(link, tmp_path)
    assert "it got out" in link.reports[0].fault
    assert link.reports[0].sandbox == ""


def test_a_backend_that_promises_too_little_for_production_ends_the_start(trials: list[Trial], tmp_path: Path) -> None:
    trials[:] = (
        Trial(Promise.USERS, Finding.UNPROMISED),
        *(each for each in HELD if each.promise is not Promise.USERS),
    )
    with pytest.raises(PlatformFault, match="does not keep"):
        run(FakeLink(production=True), tmp_path)
    assert run(FakeLink(), tmp_path, over_after=0.05)


@pytest.mark.parametrize("error", [NotAuthenticated("the key is unknown"), InvalidInput("0.1 and 0.2 differ")])
def test_a_refusal_ends_it_at_the_start_and_later(trials: list[Trial], tmp_path: Path, error: ContestError) -> None:
    with pytest.raises(type(error), match=error.message):
        run(FakeLink(answers=[error]), tmp_path)
    with pytest.raises(PlatformFault, match=error.message):
        run(FakeLink(answers=[False, False, error]), tmp_path)


def test_a_name_that_is_held_and_a_server_that_is_away_are_waited_for(trials: list[Trial], tmp_path: Path) -> None:
    link = FakeLink(answers=[ServerAway("no answer"), Conflict("another machine is the node"), False])
    first, second, joined = run(link, tmp_path, over_after=0.3)
    assert (first, second) == ("no answer; trying again", "the server answers again")
    assert "works for" in joined


def test_draining_is_said_once(trials: list[Trial], tmp_path: Path) -> None:
    said = run(FakeLink(answers=[False, True, True, True, False]), tmp_path, over_after=0.3)
    assert said[1:] == ["the server gives this node nothing more", "this node works again"]
