"""Run a fixture submission through the reader and a real sandbox, on problems small enough for a unit test."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from core.domain.intake.reading import read_submission
from core.problem_parts import BatchFormat
from sandbox.contract import ENTRY_FILE, SPLIT_NAMES, Outcome
from sandbox.problems.digits.model import build as build_mlp
from sandbox.problems.resnet.model import build as build_resnet
from worker.runner.base import Limits, NetworkRef, ReplicaOrder, ReplicaResult, RunRequest
from worker.runner.process import ProcessSandbox

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "submissions"
LIMITS = Limits(
    wall_seconds=60.0,
    memory_bytes=4 << 30,
    output_bytes=128 << 20,
    log_bytes=64 << 10,
    print_bytes=1 << 20,
    scratch_bytes=256 << 20,
    processes=64,
)
SEEDS: dict[str, tuple[int, ...]] = {  # of fixtures whose replicas are compared; the others run once
    "a07_frozen_and_decorated.py": (1, 2),
    "a17_module_seed.py": (1, 2),
    "a17_module_generators.py": (1, 2, 1),
    "a18_three_generators.py": (1, 2, 1),
    "a19_helpers_and_branches.py": (1, 2),
    "a22_scratch_files.py": (1, 2),
    "a24_two_methods.py": (1, 2, 3, 4, 5, 6),
    "notebooks/noise_finetune.ipynb": (1, 2),
    "notebooks/layer_dropout.ipynb": (1, 2),
}
SEED_STEP = 100
DISPATCHER = b"""
import importlib
import torch

_fixture = importlib.import_module(f"fixture_{torch.initial_seed() // 100}")
unlearning = _fixture.unlearning
prepare = getattr(_fixture, "prepare", None)
"""
SIZES = dict(zip(SPLIT_NAMES, (32, 16, 8), strict=True))
MAPPING_FIXTURES = (
    "a03_train_mode.py",
    "a04_replaced_modules.py",
    "a05_transposed_weights.py",
    "a08_loader_datasets.py",
    "a10_default_collation.py",
    "a11_five_keys.py",
    "a12_pixel_range.py",
    "a15_layer_names.py",
    "a20_hosted_input.py",
    "notebooks/kaggle_finetune.ipynb",
    "notebooks/noise_finetune.ipynb",
    "notebooks/reinit_distill.ipynb",
    "notebooks/layer_dropout.ipynb",
    "notebooks/class_weights_with_default.ipynb",
    "notebooks/writes_its_submission.ipynb",
    "notebooks/exported_script.py",
)
PAIR_FIXTURES = tuple(path.name for path in sorted(FIXTURES.glob("a*.py")) if path.name not in MAPPING_FIXTURES)
BUNDLES = {"digits": PAIR_FIXTURES, "resnet": MAPPING_FIXTURES}


@dataclass(frozen=True, eq=False)  # hashed by identity, for the cache
class TinyProblem:
    network: NetworkRef
    batch_format: BatchFormat
    original: bytes
    splits: bytes


@cache
def make_pairs() -> TinyProblem:
    """An MLP on (x, y) batches of 64 numbers; nine of ten classes appear."""
    torch.manual_seed(0)
    tensors: dict[str, Tensor] = {}
    for name, size in SIZES.items():
        tensors[f"{name}_x"] = torch.randn(size, 64)
        tensors[f"{name}_y"] = torch.arange(size) % 9
    reference = NetworkRef("digits", {}, 10, (64,))
    return TinyProblem(reference, BatchFormat.PAIR, _save(build_mlp(10, (64,))), save_tensors(tensors))


@cache
def make_mappings() -> TinyProblem:
    """ResNet-18 on mapping batches of 3 × 32 × 32 pixels from 0 to 255, as in 2023."""
    torch.manual_seed(0)
    tensors: dict[str, Tensor] = {}
    for name, size in SIZES.items():
        tensors[f"{name}_x"] = torch.randint(0, 256, (size, 3, 32, 32)).float()
        tensors[f"{name}_y"] = torch.arange(size) % 10
    reference = NetworkRef("resnet", {}, 10, (3, 32, 32))
    return TinyProblem(reference, BatchFormat.MAPPING, _save(build_resnet(10, (3, 32, 32))), save_tensors(tensors))


def _save(network: nn.Module) -> bytes:
    return bytes(save_tensors({name: value.contiguous() for name, value in network.state_dict().items()}))


@cache
def run_bundle(problem: TinyProblem) -> dict[str, list[ReplicaResult]]:
    """All fixtures of a problem in one sandbox, for its start takes most of the time.

    The entry file imports the fixture that the replica's seed names, at the moment it is itself imported, and hands
    out the fixture's own functions.
    """
    names = BUNDLES[problem.network.package]
    files: dict[str, bytes] = {}
    for number, name in enumerate(names):
        read = read_submission(Path(name).name, (FIXTURES / name).read_bytes())
        entry = {f"fixture_{number}.py" if path == ENTRY_FILE else path: code for path, code in read.files.items()}
        files |= entry
    files[ENTRY_FILE] = DISPATCHER
    runs = [(number, name, seed) for number, name in enumerate(names) for seed in SEEDS.get(name, (1,))]
    orders = tuple(ReplicaOrder(place, run[0] * SEED_STEP + run[2]) for place, run in enumerate(runs))
    results: dict[str, list[ReplicaResult]] = {name: [] for name in names}
    for run, result in zip(runs, run_files(files, problem, orders), strict=True):
        results[run[1]].append(result)
    return results


def run_fixture(name: str, problem: TinyProblem) -> list[ReplicaResult]:
    """Its replicas; the submission went through the same reader as an upload."""
    return run_bundle(problem)[name]


def run_files(
    files: Mapping[str, bytes], problem: TinyProblem, orders: tuple[ReplicaOrder, ...]
) -> list[ReplicaResult]:
    request = RunRequest(
        label="contract",
        network=problem.network,
        batch_format=problem.batch_format,
        batch_size=16,
        files=files,
        splits=problem.splits,
        originals=(problem.original,),
        orders=orders,
        limits=LIMITS,
        budget_seconds=5.0,
        hosted_input=problem.batch_format is BatchFormat.MAPPING,
    )
    results: list[ReplicaResult] = []

    def collect(result: ReplicaResult) -> bool:
        results.append(result)
        return True

    outcome = ProcessSandbox(allow=True).run(request, on_replica=collect)
    assert outcome.sandbox_error == ""
    return results


def load_unlearned(name: str, problem: TinyProblem) -> list[dict[str, Tensor]]:
    """Weights of every replica, after checking that each ended well, fits the network, is finite and has changed."""
    return [load_checked(result, problem) for result in run_fixture(name, problem)]


def load_checked(result: ReplicaResult, problem: TinyProblem) -> dict[str, Tensor]:
    assert (result.outcome, result.error) == (Outcome.OK, ""), result.traceback
    assert result.weights is not None
    original, weights = load_tensors(problem.original), load_tensors(result.weights)
    assert {name: (value.shape, value.dtype) for name, value in weights.items()} == {
        name: (value.shape, value.dtype) for name, value in original.items()
    }
    assert all(value.isfinite().all() for value in weights.values())
    assert any(not torch.equal(value, original[name]) for name, value in weights.items())
    return weights


def are_equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return all(torch.equal(value, second[name]) for name, value in first.items())
