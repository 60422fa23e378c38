"""A node refuses work in a sandbox that does not keep what it promises, and says which promise."""

from datetime import timedelta
from pathlib import Path

import pytest

from core.db.base import utc_now
from core.domain.errors import PlatformFault
from core.domain.promises import EVERY, Finding, Promise, Trial
from core.settings import Settings
from worker.jobs import checking
from worker.jobs.checking import check_node

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
def settings(tmp_path: Path) -> Settings:
    return Settings(data_folder=tmp_path, node_name="one")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(checking, "_latest", None)
    monkeypatch.setattr(checking, "LATELY_SECONDS", -1.0)
    monkeypatch.setattr(checking, "choose_sandbox", lambda _settings: machine)
    monkeypatch.setattr(checking, "try_promises", machine.try_promises)
    monkeypatch.setattr(checking.time, "monotonic", lambda: machine.now)
    return machine


def test_a_box_that_keeps_its_promises_is_tried_once(machine: Machine, settings: Settings) -> None:
    assert [check_node(settings).take() for _ in range(3)] == [machine] * 3
    assert machine.tried == 1
    assert check_node(settings).is_quiet


def test_a_broken_promise_refuses_work_by_name_and_is_tried_again_after_a_minute(
    machine: Machine, settings: Settings
) -> None:
    machine.trials = OPEN
    with pytest.raises(PlatformFault, match=r"no network \(opened a socket of family 2\)"):
        check_node(settings).take()
    machine.trials = KEPT
    machine.now += 30
    assert check_node(settings).fault
    machine.now += 31
    assert check_node(settings).take() is not None
    assert machine.tried == 2


def test_another_image_is_tried_anew(machine: Machine, settings: Settings) -> None:
    check_node(settings)
    machine.image, machine.trials = "two", OPEN
    assert "no network" in check_node(settings).fault


def start_again(monkeypatch: pytest.MonkeyPatch, instance: str) -> None:
    """As in another process, of this worker or of the next one."""
    monkeypatch.setattr(checking, "_latest", None)
    monkeypatch.setattr(checking, "_name_worker", lambda: instance)


def test_processes_of_one_worker_try_it_once_between_them(
    machine: Machine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_node(settings)
    monkeypatch.setattr(checking, "_latest", None)
    assert check_node(settings).trials == KEPT
    machine.now += 3600
    check_node(settings)
    assert machine.tried == 1


def test_the_next_worker_begins_with_it_and_tries_once_ten_minutes_are_over(
    machine: Machine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_node(settings)
    start_again(monkeypatch, "the next")
    assert check_node(settings).take() is machine
    assert machine.tried == 1
    machine.now += 601
    moment = utc_now() + timedelta(seconds=601)
    monkeypatch.setattr(checking, "utc_now", lambda: moment)
    machine.trials = OPEN
    assert "no network" in check_node(settings).fault
    start_again(monkeypatch, "and the next")
    check_node(settings)
    assert machine.tried == 3  # what failed is never kept


@pytest.mark.parametrize("name", ["MACHINE", "_digest_attempts"])
def test_nothing_is_kept_across_a_start_of_the_machine_or_other_code(
    name: str, machine: Machine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_node(settings)
    start_again(monkeypatch, "the next")
    monkeypatch.setattr(checking, name, "another" if name == "MACHINE" else lambda: "another")
    check_node(settings)
    assert machine.tried == 2


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"identity": 3, "by": null, "at": "never", "trials": []}'])
def test_a_record_that_cannot_be_read_is_none(text: str, machine: Machine, settings: Settings) -> None:
    path = settings.data_folder / "checks" / "one.json"
    path.parent.mkdir()
    path.write_text(text)
    assert check_node(settings).take() is machine
    assert machine.tried == 1


def test_a_check_that_cannot_run_refuses_work(
    machine: Machine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_sandbox: object) -> tuple[Trial, ...]:
        raise PlatformFault("the self-check could not run")

    monkeypatch.setattr(checking, "try_promises", fail)
    assert check_node(settings).fault == "the self-check could not run"


def test_in_production_a_backend_that_promises_less_is_refused(machine: Machine, settings: Settings) -> None:
    memory = KEPT.index(Trial(Promise.MEMORY, Finding.HELD))
    machine.trials = (*KEPT[:memory], Trial(Promise.MEMORY, Finding.UNPROMISED), *KEPT[memory + 1 :])
    assert check_node(settings).fault == ""
    machine.image = "again"
    assert "memory is limited" in check_node(settings.model_copy(update={"production": True})).fault
