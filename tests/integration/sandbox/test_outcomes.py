"""What each kind of submission comes to: the same in every backend."""

import pytest
import torch
from safetensors.torch import load

from core.domain.runtime import CpuClock
from sandbox.contract import Outcome
from tests.exploits.catalogue import BOX, list_kind
from tests.integration.sandbox.runs import LIMITS, Reports, make_network

HONEST = {
    "half": Outcome.OK,
    "junk": Outcome.OUTPUT_MISSING,
    "libraries": Outcome.OK,
    "prints_some": Outcome.OK,
    "raises": Outcome.EXCEPTION,
    "workers": Outcome.OK,
    "wrapped": Outcome.OK,
}
# of hostile ones those that come to one end; the others have tests of their own
EXPECTED = HONEST | {
    attempt.name: Outcome(attempt.expected[0])
    for attempt in list_kind(BOX)
    if len(attempt.expected) == 1 and attempt.name not in ("memory_hog_in_children", "forges_result")
}


@pytest.mark.parametrize(("name", "outcome"), EXPECTED.items())
def test_a_case_ends_in_its_outcome(reports: Reports, name: str, outcome: Outcome) -> None:
    result = reports(name)
    assert result.outcome is outcome
    assert (result.error == "") == (outcome is Outcome.OK)
    assert len(result.error) <= 300
    assert "\n" not in result.error


def test_a_fork_bomb_ends_at_one_of_its_limits(reports: Reports) -> None:
    assert reports("fork_bomb").outcome in (Outcome.PROCESS_LIMIT, Outcome.TIME_LIMIT)


def test_every_replica_is_delivered_once_and_in_order(reports: Reports) -> None:
    assert reports.result.sandbox_error == ""
    assert not reports.result.stopped
    assert [replica.index for replica in reports.order] == list(range(reports.result.delivered))


def test_only_a_good_replica_has_weights(reports: Reports) -> None:
    assert all((replica.weights is not None) == (replica.outcome is Outcome.OK) for replica in reports.order)


def test_an_honest_replica_is_the_same_whatever_ran_before_it(reports: Reports) -> None:
    first, again = reports.order[0], reports.order[1]
    assert first.seed == again.seed
    assert first.weights == again.weights
    assert first.log == again.log


def test_another_seed_gives_other_weights(reports: Reports) -> None:
    assert len({reports("honest", repeat).weights for repeat in range(3)}) == 3


def test_weights_have_the_networks_names_shapes_and_types(reports: Reports) -> None:
    schema = {name: (value.shape, value.dtype) for name, value in make_network().state_dict().items()}
    for name in ("honest", "half", "replaced", "wrapped", "state_dict", "not_finite"):
        weights = reports(name).weights
        assert weights is not None
        assert {key: (value.shape, value.dtype) for key, value in load(weights).items()} == schema


def test_a_network_given_back_untouched_is_the_original(reports: Reports) -> None:
    weights = reports("state_dict").weights
    assert weights is not None
    original = make_network().state_dict()
    assert all(torch.equal(value, original[name]) for name, value in load(weights).items())


def test_not_a_number_passes_through(reports: Reports) -> None:
    weights = reports("not_finite").weights
    assert weights is not None
    assert bool(load(weights)["fc.weight"].isnan().all())


def test_printed_text_comes_back_and_is_cut_at_its_limit(reports: Reports) -> None:
    assert reports("raises").log == "before\n"
    log = reports("prints_some").log
    assert log.startswith("line 0\nline 1\n")
    assert len(log) == LIMITS.log_bytes


def test_an_error_is_one_clean_line_with_the_participants_traceback(reports: Reports) -> None:
    result = reports("raises")
    assert result.error == "ValueError: boom \ufffd[31m\ufffd of many lines"
    assert 'case_raises.py", line 3' in result.traceback
    assert "replica.py" not in result.traceback
    assert "\x1b" not in result.traceback


def test_time_on_the_hosts_clock_ends_a_replica(reports: Reports) -> None:
    for name in ("sleeps", "hides_in_children"):
        assert LIMITS.wall_seconds <= reports(name).wall_seconds < LIMITS.wall_seconds + 10


def test_patched_clocks_change_no_measured_time(reports: Reports) -> None:
    result = reports("patches")
    assert result.wall_seconds > 0.05
    assert result.cpu_seconds > 0.05


def test_processor_time_of_children_counts(reports: Reports) -> None:
    spent = reports("spends_in_children").cpu_seconds
    alone = reports("state_dict").cpu_seconds
    assert spent > alone + 0.2
    assert reports("spends_in_children").wall_seconds > 1.0


def test_a_box_with_a_cgroup_counts_what_hides_from_its_parent(reports: Reports) -> None:
    hidden = reports("hides_from_parent")
    if reports.backend == "process":
        assert hidden.clock is CpuClock.PROCESS
    else:
        assert hidden.clock is CpuClock.CGROUP
        assert hidden.cpu_seconds > reports("state_dict").cpu_seconds + 0.1


def test_waiting_for_a_core_is_told(reports: Reports) -> None:
    waited = reports("patches").waited_seconds
    assert waited is not None
    assert 0 <= waited <= reports("patches").wall_seconds


def test_a_forged_result_counts_for_no_more_than_its_weights(reports: Reports) -> None:
    result = reports("forges_result")
    assert result.index == [replica.seed for replica in reports.order].index(result.seed)
    assert result.weights == b"abc"
    assert result.error == ""


def test_peak_memory_is_measured(reports: Reports) -> None:
    hog, honest = reports("memory_hog"), reports("honest")
    assert hog.peak_memory_bytes > honest.peak_memory_bytes + (64 << 20)
