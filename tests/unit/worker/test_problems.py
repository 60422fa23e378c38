from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load

from core.domain.errors import InvalidInput, PlatformFault
from core.domain.pools import PoolKind
from core.problem_files import find_problem, list_problems
from sandbox.loaders import make_loader
from tests.tiny_problems import make_tiny_image_spec, make_tiny_spec, write_idx_folder
from worker.problems import LoadedProblem, Split, load_network, load_problem, make_manifest, pack_splits
from worker.training.members import member_seed


@pytest.fixture(scope="module")
def problem() -> LoadedProblem:
    return load_problem(make_tiny_spec())


def all_ids(problem: LoadedProblem) -> list[int]:
    parts = problem.splits
    return [*parts.retain.ids, *parts.forget.ids, *parts.validation.ids, *parts.test.ids]


def test_the_default_problem_has_the_sizes_it_announces() -> None:
    parts = load_problem(find_problem("digits")).splits
    assert [len(part) for part in (parts.retain, parts.forget, parts.validation, parts.test)] == [896, 128, 128, 645]


def test_no_example_is_in_two_splits(problem: LoadedProblem) -> None:
    assert len(set(all_ids(problem))) == len(all_ids(problem)) == 240 + 50 + 100


def test_the_same_problem_is_split_the_same_way_twice(problem: LoadedProblem) -> None:
    again = load_problem(make_tiny_spec())
    assert again.manifest == problem.manifest
    assert again.digest == problem.digest
    assert all_ids(again) == all_ids(problem)


def test_another_split_seed_gives_another_split(problem: LoadedProblem) -> None:
    other = load_problem(make_tiny_spec(split={"seed": 99}))
    assert other.digest != problem.digest
    assert set(other.splits.test.ids.tolist()) != set(problem.splits.test.ids.tolist())


def test_noise_touches_training_labels_alone(problem: LoadedProblem) -> None:
    clean = load_problem(make_tiny_spec(split={"label_noise": 0.0}))
    before = {int(i): int(y) for part in _training(clean) for i, y in zip(part.ids, part.y, strict=True)}
    after = {int(i): int(y) for part in _training(problem) for i, y in zip(part.ids, part.y, strict=True)}
    changed = sum(before[i] != after[i] for i in before)
    assert 0 < changed <= 24  # a replaced label may happen to be the old one
    np.testing.assert_array_equal(clean.splits.test.y, problem.splits.test.y)
    np.testing.assert_array_equal(clean.splits.validation.y, problem.splits.validation.y)


def test_some_of_a_class_go_and_the_class_stays() -> None:
    request = {"kind": "class", "class_index": 3, "fraction": 0.4, "seed": 5}
    parts = load_problem(make_tiny_spec(forget=request)).splits
    left = int((parts.retain.y == 3).sum())
    assert set(parts.forget.y.tolist()) == {3}
    assert len(parts.forget) == round(0.4 * (len(parts.forget) + left))
    assert 3 in parts.test.y
    other = load_problem(make_tiny_spec(forget=request | {"seed": 6})).splits
    assert set(other.forget.ids.tolist()) != set(parts.forget.ids.tolist())


def test_a_forgotten_class_is_gone_from_every_other_split() -> None:
    parts = load_problem(make_tiny_spec(forget={"kind": "class", "class_index": 3})).splits
    assert set(parts.forget.y.tolist()) == {3}
    for part in (parts.retain, parts.validation, parts.test):
        assert 3 not in part.y


def test_named_examples_are_the_forget_set(problem: LoadedProblem) -> None:
    chosen = sorted(problem.splits.retain.ids[:5].tolist())
    loaded = load_problem(make_tiny_spec(forget={"kind": "ids", "ids": chosen}))
    assert sorted(loaded.splits.forget.ids.tolist()) == chosen


def test_relabelled_canaries_have_a_label_that_is_not_their_own_and_nothing_else_changes() -> None:
    request = {"fraction": 1 / 6, "seed": 6}
    plain = load_problem(make_tiny_spec(forget={"kind": "random", **request})).splits
    canaries = load_problem(make_tiny_spec(forget={"kind": "relabelled", **request})).splits
    np.testing.assert_array_equal(canaries.forget.ids, plain.forget.ids)
    np.testing.assert_array_equal(canaries.forget.x, plain.forget.x)
    assert (canaries.forget.y != plain.forget.y).all()
    assert set(canaries.forget.y.tolist()) <= set(range(10))
    for before, after in ((plain.retain, canaries.retain), (plain.test, canaries.test)):
        np.testing.assert_array_equal(before.y, after.y)


def test_poisoned_canaries_are_blurred_and_keep_their_labels() -> None:
    request = {"fraction": 1 / 6, "seed": 6}
    plain = load_problem(make_tiny_spec(forget={"kind": "random", **request})).splits
    canaries = load_problem(make_tiny_spec(forget={"kind": "poisoned", **request})).splits
    np.testing.assert_array_equal(canaries.forget.y, plain.forget.y)
    spread = np.concatenate([plain.retain.x, plain.forget.x]).std()
    assert (canaries.forget.x - plain.forget.x).std() == pytest.approx(spread, rel=0.1)
    np.testing.assert_array_equal(canaries.retain.x, plain.retain.x)


@pytest.mark.parametrize(
    ("forget", "reason"),
    [
        ({"kind": "hardest", "ids": [5000]}, "not in the training part: 5000"),
        ({"kind": "relabelled", "fraction": 0.001}, "selects no example"),
        ({"kind": "ids", "ids": [5000]}, "not in the training part: 5000"),
        ({"kind": "ids", "ids": [-1]}, "not in the training part: -1"),
        ({"kind": "ids", "ids": []}, "selects no example"),
        ({"kind": "class", "class_index": 10}, "classes 0 to 9"),
        ({"kind": "random", "fraction": 0.001}, "selects no example"),
        ({"kind": "random", "fraction": 0.999}, "nothing is left to retain"),
    ],
)
def test_a_forget_request_that_cannot_be_met_is_refused(forget: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        load_problem(make_tiny_spec(forget=forget))


def test_an_example_named_twice_is_refused(problem: LoadedProblem) -> None:
    named = int(problem.splits.retain.ids[0])
    with pytest.raises(InvalidInput, match="twice"):
        load_problem(make_tiny_spec(forget={"kind": "ids", "ids": [named, named]}))


def test_a_validation_example_cannot_be_forgotten(problem: LoadedProblem) -> None:
    named = int(problem.splits.validation.ids[0])
    with pytest.raises(InvalidInput, match=f"not in the training part: {named}"):
        load_problem(make_tiny_spec(forget={"kind": "ids", "ids": [named]}))


@pytest.mark.parametrize("split", [{"train": 1797}, {"train": 1000, "validation": 797}, {"test": 5000}])
def test_a_split_larger_than_the_data_is_refused(split: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match=r"too few|was asked for"):
        load_problem(make_tiny_spec(split=split))


def test_the_manifest_does_not_depend_on_the_order_of_examples(problem: LoadedProblem) -> None:
    forget = problem.splits.forget
    backwards = forget.take(np.arange(len(forget))[::-1])
    assert make_manifest("random", backwards) == problem.manifest


def test_the_manifest_notices_another_label(problem: LoadedProblem) -> None:
    forget = problem.splits.forget.take(np.arange(len(problem.splits.forget)))
    forget.y[0] = (forget.y[0] + 1) % 10
    assert make_manifest("random", forget).digest != problem.manifest.digest


def test_the_packed_splits_hold_everything_but_the_test_set(problem: LoadedProblem) -> None:
    tensors = load(pack_splits(problem))
    assert sorted(tensors) == [f"{split}_{axis}" for split in ("forget", "retain", "validation") for axis in "xy"]
    assert torch.equal(tensors["retain_x"], torch.from_numpy(problem.splits.retain.x))
    assert tensors["forget_y"].dtype == torch.int64


@pytest.mark.parametrize("part", ["data", "network"])
def test_an_unknown_package_is_refused_by_name(part: str) -> None:
    with pytest.raises(InvalidInput, match=f"no {part} package named 'nowhere'"):
        load_network(load_problem(make_tiny_spec(**{part: {"package": "nowhere"}})))


@pytest.mark.parametrize("part", ["data", "network"])
def test_options_that_a_package_does_not_take_are_refused(part: str) -> None:
    with pytest.raises(InvalidInput, match="refuses"):
        load_network(load_problem(make_tiny_spec(**{part: {"package": "digits", "options": {"wings": 2}}})))


def test_the_network_fits_the_data(problem: LoadedProblem) -> None:
    assert load_network(problem)(torch.zeros(2, 64)).shape == (2, 10)


def test_missing_data_files_are_one_readable_line(tmp_path: Path) -> None:
    with pytest.raises(PlatformFault, match=r"train-images-idx3-ubyte.gz is missing; install the Debian package"):
        load_problem(make_tiny_image_spec(), tmp_path)


def test_damaged_data_files_are_one_readable_line(tmp_path: Path) -> None:
    write_idx_folder(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01")
    with pytest.raises(PlatformFault, match="train-labels-idx1-ubyte is damaged"):
        load_problem(make_tiny_image_spec(), tmp_path)


def test_a_problem_file_may_name_its_data_folder(tmp_path: Path) -> None:
    write_idx_folder(tmp_path)
    data = {"package": "fashion_mnist", "options": {"folder": str(tmp_path)}}
    assert load_problem(make_tiny_image_spec(data=data)).input_shape == (1, 28, 28)


def test_a_mapping_problem_hands_out_bytes_under_the_contest_names(tmp_path: Path) -> None:
    write_idx_folder(tmp_path)
    data = {"package": "fashion_mnist", "options": {"scale": "bytes"}}
    spec = make_tiny_image_spec(data=data, evaluation={"batch_format": "mapping"})
    tensors = load(pack_splits(load_problem(spec, tmp_path)))
    loader = make_loader(tensors["retain_x"], tensors["retain_y"], mapping=True, batch_size=8, shuffle=False)
    batch = next(iter(loader))
    assert batch["image"].dtype == torch.float32
    assert batch["image"].max() > 200
    assert torch.equal(batch["age_group"], tensors["retain_y"][:8])


def test_every_shipped_problem_names_packages_that_exist() -> None:
    for spec in list_problems():
        for package, module in ((spec.data.package, "data"), (spec.network.package, "model")):
            assert Path("sandbox/problems", package, f"{module}.py").is_file()


def _training(problem: LoadedProblem) -> list[Split]:
    return [problem.splits.retain, problem.splits.forget]


def test_small_seeds_draw_what_they_always_drew() -> None:
    problem = load_problem(find_problem("digits"))
    assert problem.manifest.digest == "219d13099784c89e5238d54f00ec2eae514fd8662e0b6d167c1e5ba677d203e4"
    assert problem.digest == "86aebbe24a5653f6372ebc39221a80f4f30d49c1fdfc723d1d1bcda48d34643f"
    assert member_seed(3, PoolKind.RETRAINED, 0) == 4695890048246705853


def test_every_bit_of_a_seed_of_128_counts() -> None:
    drawn = [load_problem(make_tiny_spec(split={"seed": seed})).manifest.digest for seed in (2**127, 2**127 + 2**64)]
    asked = [{"kind": "random", "fraction": 0.2, "seed": seed} for seed in (2**127, 2**127 + 2**64)]
    drawn += [load_problem(make_tiny_spec(forget=request)).manifest.digest for request in asked]
    assert len(set(drawn)) == 4
    seeds = {member_seed(seed, PoolKind.CONTROL, 0) for seed in (3, 2**64 + 3, 2**127 + 3)}
    assert len(seeds) == 3
    assert max(seeds) < 2**63  # which torch takes, and a pool's archive
