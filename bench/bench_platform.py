"""The platform's replica loop against a bare loop that calls the same function R times in one process.

python -m bench.bench_platform [--file baselines/finetune.py] [--replicas 64] [--rounds 3] [--sandbox bubblewrap]
Both sides start from the same original, seed every replica, take its weights and compute its outputs. The platform's
side also starts a sandbox for each worker, forks and confines every replica, and checks its weights. Rounds alternate.
"""

import argparse
import importlib.util
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load

from core.domain.pools import PoolKind
from core.problem_files import find_problem
from core.settings import Settings
from sandbox.loaders import make_loader
from sandbox.submission import seed_everything
from worker.local import Bench, open_bench, run_orders
from worker.problems import load_network
from worker.replicas.execution import make_orders
from worker.replicas.measurement import measure_network
from worker.runner.base import ReplicaOrder
from worker.runner.choose import choose_sandbox

Unlearning = Callable[..., torch.nn.Module | None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, default=Path(__file__).parents[1] / "baselines" / "finetune.py")
    parser.add_argument("--problem", default="digits")
    parser.add_argument("--replicas", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sandbox", default="bubblewrap")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="lacuna-bench-") as folder:
        compare(options, Path(folder))


def compare(options: argparse.Namespace, folder: Path) -> None:
    settings = Settings(data_folder=folder, sandbox=options.sandbox)
    bench = open_bench(find_problem(options.problem), settings, choose_sandbox(settings), {PoolKind.ORIGINAL: 1})
    orders = make_orders("bench", first=0, count=options.replicas, originals=1)
    source, function = options.file.read_bytes(), import_function(options.file)
    sides: dict[str, Callable[[], object]] = {"bare loop": lambda: run_bare(bench, function, orders)}
    for workers in sorted({1, settings.workers}):
        sides[f"platform, {workers} workers"] = partial(run_platform, bench, source, orders, workers)
    run_bare(bench, function, orders[:1])  # warm: the first optimizer of a process is slow
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(options.rounds):
        for name, run in sides.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    print(f"{options.file.name}, {options.replicas} replicas, {options.sandbox}, medians of {options.rounds}")
    base = statistics.median(seconds["bare loop"])
    for name, values in seconds.items():
        middle = statistics.median(values)
        print(f"{name:<22}{middle:8.2f} s{middle / options.replicas * 1000:8.1f} ms a replica{middle / base:8.2f}x")


def run_bare(bench: Bench, function: Unlearning, orders: Sequence[ReplicaOrder]) -> None:
    original = load(bench.originals()[0])
    splits = bench.problem.splits
    for order in orders:
        network = load_network(bench.problem)
        network.load_state_dict(original)
        loaders = [
            make_loader(
                torch.from_numpy(split.x),
                torch.from_numpy(split.y),
                mapping=False,
                batch_size=bench.problem.spec.evaluation.batch_size,
                shuffle=split is not splits.validation,
            )
            for split in (splits.retain, splits.forget, splits.validation)
        ]
        seed_everything(order.seed)
        result = function(network, *loaders)
        measure_network(result if result is not None else network, bench.problem)


def run_platform(bench: Bench, source: bytes, orders: Sequence[ReplicaOrder], workers: int) -> None:
    batch = run_orders(bench, {"submission.py": source}, orders, workers=workers)
    if len(batch.replicas) < len(orders):
        raise SystemExit(f"the sandbox failed: {batch.platform_fault or batch.fault}")


def import_function(path: Path) -> Unlearning:
    spec = importlib.util.spec_from_file_location("bench_submission", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"cannot import {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Unlearning = module.unlearning
    return function


if __name__ == "__main__":
    main()
