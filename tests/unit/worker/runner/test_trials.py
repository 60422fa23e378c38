"""What is concluded from what the box printed; tests/integration/sandbox/test_trials.py runs it in real boxes."""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from core.domain.errors import PlatformFault
from core.domain.promises import EVERY, Finding, Promise
from core.domain.runtime import CpuClock
from sandbox.contract import Outcome
from worker.runner import attempts, trials
from worker.runner.base import ReplicaResult, RunRequest, RunResult
from worker.runner.trials import try_promises

HELD: dict[int, dict[str, Any]] = {
    0: {**dict.fromkeys(attempts.ATTEMPTS, ""), "user": "20001"},
    1: {"leftovers": "", "user": "20002", "wrong": 0.5},
    2: {"burnt": 0.4, "elapsed": 0.4},
    3: {"file_size": "", "processes": ""},
    4: {"memory": ""},
}


@dataclass
class SayingSandbox:
    """Answers each act with what it is told to print."""

    told: dict[int, dict[str, Any]] = field(default_factory=lambda: {act: dict(said) for act, said in HELD.items()})
    outcomes: dict[int, Outcome] = field(default_factory=lambda: {5: Outcome.TIME_LIMIT})
    clock: CpuClock = CpuClock.CGROUP
    counted: float = 0.4
    error: str = ""
    promises: frozenset[Promise] = EVERY
    name: str = "fake"
    kills: int = 0  # of the process outside, in so many runs
    runs: list[tuple[float, tuple[int, ...]]] = field(default_factory=list)

    def run(self, request: RunRequest, *, on_replica: Callable[[ReplicaResult], bool]) -> RunResult:
        self.runs.append((request.limits.wall_seconds, tuple(order.seed for order in request.orders)))
        if len(self.runs) <= self.kills:
            victim = json.loads(request.files[attempts.ORDER_FILE])["victim"]
            os.kill(victim, signal.SIGKILL)
            os.waitid(os.P_PID, victim, os.WEXITED | os.WNOWAIT)
        for order in request.orders:
            log = json.dumps(self.told.get(order.seed, {}))
            on_replica(self._make_result(order.index, order.seed, log))
        return RunResult(self.name, len(request.orders), 1.0, self.error, stopped=False)

    def _make_result(self, index: int, act: int, log: str) -> ReplicaResult:
        return ReplicaResult(
            index=index,
            seed=act,
            outcome=self.outcomes.get(act, Outcome.OK),
            wall_seconds=1.0,
            cpu_seconds=self.counted,
            peak_memory_bytes=0,
            weights=None,
            log=log,
            error="",
            traceback="",
            clock=self.clock,
        )


def find(sandbox: SayingSandbox) -> dict[Promise, tuple[Finding, str]]:
    return {trial.promise: (trial.finding, trial.detail) for trial in try_promises(sandbox)}  # type: ignore[arg-type]


def list_broken(sandbox: SayingSandbox) -> list[Promise]:
    return [promise for promise, (finding, _) in find(sandbox).items() if finding is Finding.BROKEN]


def test_each_promise_is_tried() -> None:
    assert set(find(SayingSandbox())) == set(Promise)
    assert list_broken(SayingSandbox()) == []


@pytest.mark.parametrize(
    ("act", "said", "promise"),
    [
        (0, {"network": "opened a socket of family 2"}, Promise.NETWORK),
        (0, {"lists": "no list is in force"}, Promise.LISTS),
        (1, {"leftovers": "1 processes"}, Promise.LEFTOVERS),
        (1, {"user": "20001"}, Promise.USERS),
        (1, {"wrong": 0.02}, Promise.NAMES),
        (2, {"burnt": 0.8}, Promise.CORE),
        (3, {"processes": "started more threads than allowed"}, Promise.PROCESSES),
        (4, {"memory": "children together held more than the limit"}, Promise.MEMORY),
    ],
)
def test_what_got_through_breaks_its_promise_alone(act: int, said: dict[str, Any], promise: Promise) -> None:
    sandbox = SayingSandbox(counted=0.8)
    sandbox.told[act] |= said
    assert list_broken(sandbox) == [promise]


def test_a_sleeper_that_comes_to_its_end_breaks_the_time_limit() -> None:
    assert list_broken(SayingSandbox(outcomes={})) == [Promise.TIME]


def test_a_meter_that_lies_is_broken_and_one_that_is_not_there_is_said() -> None:
    assert list_broken(SayingSandbox(counted=0.1)) == [Promise.METER]
    found = find(SayingSandbox(clock=CpuClock.PROCESS))
    assert found[Promise.METER] == (Finding.UNPROMISED, "the box has no cgroup to read")


def test_noise_in_the_times_of_names_is_not_taken_for_a_channel() -> None:
    for wrong in (0.2, 0.35, 0.5, 0.65, 0.9):
        sandbox = SayingSandbox()
        sandbox.told[1]["wrong"] = wrong
        assert list_broken(sandbox) == []


def test_an_act_that_does_not_end_is_tried_again_with_more_time_and_then_counts_as_broken() -> None:
    sandbox = SayingSandbox(outcomes={5: Outcome.TIME_LIMIT, 3: Outcome.TIME_LIMIT})
    assert list_broken(sandbox) == [Promise.FILE_SIZE, Promise.PROCESSES]
    assert sandbox.runs == [(2.0, (0, 1, 2, 3, 4, 5)), (20.0, (3,))]


def test_a_process_outside_that_was_killed_once_was_killed_by_somebody_else() -> None:
    sandbox = SayingSandbox(kills=1)
    assert list_broken(sandbox) == []
    assert [acts for _, acts in sandbox.runs] == [(0, 1, 2, 3, 4, 5)] * 2


def test_a_box_that_kills_a_process_outside_whenever_it_runs_breaks_its_promise() -> None:
    assert list_broken(SayingSandbox(kills=2)) == [Promise.HOST_PROCESSES]


def test_who_looks_around_does_so_again_after_who_left_something() -> None:
    sandbox = SayingSandbox(outcomes={5: Outcome.TIME_LIMIT, 1: Outcome.TIME_LIMIT})
    assert list_broken(sandbox) == [Promise.LEFTOVERS, Promise.NAMES]
    assert [acts for _, acts in sandbox.runs][1:] == [(0, 1)]


def test_what_is_not_promised_is_not_refused_and_its_memory_not_taken() -> None:
    sandbox = SayingSandbox(promises=EVERY - {Promise.MEMORY, Promise.USERS})
    del sandbox.told[4]
    assert find(sandbox)[Promise.MEMORY] == (Finding.UNPROMISED, "")
    assert list_broken(sandbox) == []
    assert {acts for _, acts in sandbox.runs} == {(0, 1, 2, 3, 5)}


def test_a_backend_that_isolates_nothing_starts_no_box() -> None:
    sandbox = SayingSandbox(promises=frozenset())
    assert {finding for finding, _ in find(sandbox).values()} == {Finding.UNPROMISED}
    assert sandbox.runs == []


def test_a_box_that_does_not_run_is_the_platforms_fault() -> None:
    with pytest.raises(PlatformFault, match="could not run in fake: no engine"):
        try_promises(SayingSandbox(error="no engine"))  # type: ignore[arg-type]


def test_the_check_leaves_alone_the_generator_that_trainings_beside_it_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(state: torch.Tensor) -> None:
        raise AssertionError("the generator is shared by all threads")

    monkeypatch.setattr(torch.random, "set_rng_state", refuse)
    before = torch.random.get_rng_state()
    with trials._make_outside() as outside:
        trials._make_request(outside, [0], 1.0)
    assert torch.equal(torch.random.get_rng_state(), before)
