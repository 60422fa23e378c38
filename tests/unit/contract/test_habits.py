"""One test per habit of published code; docs/submission.md lists them under the same numbers."""

import pytest
import torch
from safetensors.torch import load as load_tensors

from sandbox.contract import Outcome
from tests.unit.contract.runs import (
    SIZES,
    are_equal,
    load_checked,
    load_unlearned,
    make_mappings,
    make_pairs,
    run_fixture,
)


@pytest.mark.parametrize("name", ["a01_other_names.py", "a01_star_arguments.py"])
def test_a01_arguments_come_by_position_whatever_their_names(name: str) -> None:
    load_unlearned(name, make_pairs())


@pytest.mark.parametrize("name", ["a02_returns_nothing.py", "a02_returns_a_copy.py", "a01_other_names.py"])
def test_a02_nothing_a_copy_or_the_network_itself_may_be_returned(name: str) -> None:
    load_unlearned(name, make_pairs())


def test_a03_a_network_left_in_train_mode_keeps_its_moved_statistics() -> None:
    (result,) = run_fixture("a03_train_mode.py", make_mappings())
    weights = load_checked(result, make_mappings())
    assert "training True" in result.log
    assert weights["bn1.num_batches_tracked"] == 2
    assert weights["bn1.running_mean"].abs().sum() > 0


def test_a04_replaced_modules_are_taken_by_their_weights() -> None:
    (weights,) = load_unlearned("a04_replaced_modules.py", make_mappings())
    assert weights["fc.weight"].shape == (10, 512)


def test_a05_parameters_in_another_order_of_memory_arrive_as_values() -> None:
    (result,) = run_fixture("a05_transposed_weights.py", make_mappings())
    weights = load_checked(result, make_mappings())
    original = load_tensors(make_mappings().original)
    assert "contiguous False" in result.log
    assert torch.equal(weights["conv1.weight"], original["conv1.weight"].transpose(2, 3))


def test_a06_half_precision_is_cast_back() -> None:
    (weights,) = load_unlearned("a06_half_precision.py", make_pairs())
    assert torch.equal(weights["fc.weight"], weights["fc.weight"].half().float())


def test_a07_frozen_and_decorated_parameters_do_not_reach_the_next_replica() -> None:
    for result in run_fixture("a07_frozen_and_decorated.py", make_pairs()):
        load_checked(result, make_pairs())
        assert "frozen on arrival []" in result.log


def test_a08_datasets_are_indexed_and_put_into_new_loaders() -> None:
    load_unlearned("a08_loader_datasets.py", make_mappings())


def test_a09_loaders_know_their_sizes() -> None:
    load_unlearned("a09_loader_sizes.py", make_pairs())


def test_a10_strings_are_collated() -> None:
    load_unlearned("a10_default_collation.py", make_mappings())


def test_a11_mapping_batches_have_the_five_keys() -> None:
    load_unlearned("a11_five_keys.py", make_mappings())


def test_a12_images_come_as_floats_up_to_255_and_labels_as_integers() -> None:
    load_unlearned("a12_pixel_range.py", make_mappings())


def test_a13_loaders_can_be_passed_nested_zipped_and_again() -> None:
    load_unlearned("a13_nested_passes.py", make_pairs())


def test_a14_there_are_ten_logits_though_nine_classes_appear() -> None:
    load_unlearned("a14_ten_logits.py", make_pairs())


def test_a15_layers_have_torchvision_names() -> None:
    load_unlearned("a15_layer_names.py", make_mappings())


def test_a16_a_global_device_that_must_be_cuda_runs_on_a_cpu() -> None:
    load_unlearned("a16_global_device.py", make_pairs())


def test_a17_a_seed_at_module_level_does_not_make_replicas_equal() -> None:
    first, second = load_unlearned("a17_module_seed.py", make_pairs())
    assert not are_equal(first, second)


def test_a17_generators_at_module_level_do_not_make_replicas_equal() -> None:
    first, second, again = run_fixture("a17_module_generators.py", make_pairs())
    assert not are_equal(load_checked(first, make_pairs()), load_checked(second, make_pairs()))
    draws = [result.log.strip().split("|")[1:] for result in (first, second)]
    assert all(left != right for left, right in zip(*draws, strict=True))
    assert first.log == again.log


def test_a18_all_three_generators_follow_the_seed() -> None:
    first, second, again = run_fixture("a18_three_generators.py", make_pairs())
    draws = [result.log.strip().split("|")[1:] for result in (first, second)]
    assert all(left != right for left, right in zip(*draws, strict=True))
    assert first.log == again.log
    assert are_equal(load_checked(first, make_pairs()), load_checked(again, make_pairs()))


def test_a19_helpers_branches_and_the_last_of_two_functions_are_used_and_globals_start_anew() -> None:
    for result in run_fixture("a19_helpers_and_branches.py", make_pairs()):
        load_checked(result, make_pairs())
        assert "calls 1" in result.log


def test_a20_what_the_host_of_2023_had_is_there() -> None:
    (result,) = run_fixture("a20_hosted_input.py", make_mappings())
    load_checked(result, make_mappings())
    sizes = [SIZES[name] for name in ("retain", "forget", "validation")]
    assert result.log == f"{dict(zip(SIZES, sizes, strict=True))} {sizes}\n"


def test_a22_scratch_files_are_private_to_a_replica() -> None:
    for result in run_fixture("a22_scratch_files.py", make_pairs()):
        load_checked(result, make_pairs())
        assert "found False False" in result.log


@pytest.mark.parametrize("name", ["a23_prepare.py", "a23_fifth_argument.py"])
def test_a23_state_made_once_is_there_for_the_run(name: str) -> None:
    load_unlearned(name, make_pairs())


def test_a23_optional_parameters_are_given_by_name() -> None:
    (result,) = run_fixture("a23_fifth_argument.py", make_pairs())
    load_checked(result, make_pairs())
    assert f"given 10 cpu {result.seed}" in result.log


def test_a24_the_seed_decides_between_two_methods() -> None:
    results = run_fixture("a24_two_methods.py", make_pairs())
    assert {result.log.split()[1] for result in results} == {"transpose", "noise"}
    assert all(result.outcome is Outcome.OK for result in results)


def test_a25_an_unshuffled_loader_keeps_its_order() -> None:
    load_unlearned("a25_stable_order.py", make_pairs())


def test_a26_everything_published_code_imports_is_there() -> None:
    load_unlearned("a26_imports.py", make_pairs())


def test_a27_what_a_replica_prints_is_kept_for_its_author() -> None:
    (result,) = run_fixture("a27_prints.py", make_pairs())
    load_checked(result, make_pairs())
    assert "epoch 2: done" in result.log
    assert "epoch 0: to stderr" in result.log


def test_a28_torch_load_of_a_state_dict_needs_no_arguments() -> None:
    load_unlearned("a28_torch_load.py", make_pairs())
