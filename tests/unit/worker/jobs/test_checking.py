"""A node refuses work in a sandbox that does not keep what it promises, and says which promise."""

import pytest

from core.domain.errors import PlatformFault
from core.domain.promises import EVERY, Finding, Promise, Trial
from core.settings import Settings
from worker.jobs import checking
from worker.jobs.checking import check_node

SETTINGS = Settings()
KEPT = tuple(Trial(promise, Finding.HELD) for promise in Promise)
OPEN = (Trial(Promise.NETWORK, Finding.BROKEN, "opened a socket of family 2"), *KEPT[1:])


class Machine:
    """A sandbox whose trials end as they are told to, and a clock."""

    name = "fake"
    promises = EVERY

    def __init__(self) -> None:
        self.image, self.trials, self.tried, self.now = "one", KEPT, 0, 1000.0

    def identify(self) -> str:
        return self.image

    def try_promises(self, _sandbox: object) -> tuple[Trial, ...]:
        self.tried += 1
        return self.trials


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(checking, "_latest", None)
    monkeypatch.setattr(checking, "choose_sandbox", lambda _settings: machine)
    monkeypatch.setattr(checking, "try_promises", machine.try_promises)
    monkeypatch.setattr(checking.time, "monotonic", lambda: machine.now)
    return machine


def test_a_box_that_keeps_its_promises_is_tried_once(machine: Machine) -> None:
    assert [check_node(SETTINGS).take() for _ in range(3)] == [machine] * 3
    assert machine.tried == 1
    assert check_node(SETTINGS).is_quiet


def test_a_broken_promise_refuses_work_by_name_and_is_tried_again_after_a_minute(machine: Machine) -> None:
    machine.trials = OPEN
    with pytest.raises(PlatformFault, match=r"no network \(opened a socket of family 2\)"):
        check_node(SETTINGS).take()
    machine.trials = KEPT
    machine.now += 30
    assert check_node(SETTINGS).fault
    machine.now += 31
    assert check_node(SETTINGS).take() is not None
    assert machine.tried == 2


def test_another_image_is_tried_anew(machine: Machine) -> None:
    check_node(SETTINGS)
    machine.image, machine.trials = "two", OPEN
    assert "no network" in check_node(SETTINGS).fault


def test_a_check_that_cannot_run_refuses_work(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_sandbox: object) -> tuple[Trial, ...]:
        raise PlatformFault("the self-check could not run")

    monkeypatch.setattr(checking, "try_promises", fail)
    assert check_node(SETTINGS).fault == "the self-check could not run"


def test_in_production_a_backend_that_promises_less_is_refused(machine: Machine) -> None:
    memory = KEPT.index(Trial(Promise.MEMORY, Finding.HELD))
    machine.trials = (*KEPT[:memory], Trial(Promise.MEMORY, Finding.UNPROMISED), *KEPT[memory + 1 :])
    assert check_node(SETTINGS).fault == ""
    machine.image = "again"
    assert "memory is limited" in check_node(SETTINGS.model_copy(update={"production": True})).fault
