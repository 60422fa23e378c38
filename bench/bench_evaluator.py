"""Simulations and timings behind docs/metric.md. Prints Markdown; every table is one subcommand.

python -m bench.bench_evaluator laws|speed [--replicas 64 128] [--examples 128]
"""

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from evaluator import EpsilonOptions, ScoredPool, ScoringProtocol, compute_epsilons, compute_gaussian_epsilon, score
from evaluator.epsilon import estimate_epsilons
from evaluator.forgetting import compute_pool_points

Array = NDArray[np.float64]
ALPHA = 0.05


@dataclass(frozen=True)
class Law:
    """A law of unlearned confidences; retrained ones are standard normal. epsilon_alpha is None if not closed-form."""

    draw: Callable[[np.random.Generator, tuple[int, int]], Array]
    epsilon_alpha: float | None = None


def shift(by: float) -> Law:
    return Law(lambda rng, shape: by + rng.normal(size=shape), compute_gaussian_epsilon(by, alpha=ALPHA))


def scale(by: float) -> Law:
    return Law(lambda rng, shape: by * rng.normal(size=shape), compute_gaussian_epsilon(0.0, by, ALPHA))


LAWS = {
    "same": shift(0.0),
    "shift 0.25": shift(0.25),
    "shift 0.5": shift(0.5),
    "shift 1": shift(1.0),
    "shift 2": shift(2.0),
    "sd ratio 0.8": scale(0.8),
    "sd ratio 0.5": scale(0.5),
    "sd ratio 2": scale(2.0),
    "shift 1, sd ratio 0.5": Law(
        lambda rng, shape: 1 + 0.5 * rng.normal(size=shape), compute_gaussian_epsilon(1, 0.5, ALPHA)
    ),
    "constant": Law(lambda rng, shape: np.zeros(shape), float(np.log(1 / ALPHA))),
    "two values": Law(lambda rng, shape: np.sign(rng.normal(size=shape))),
    "rounded to integers": Law(lambda rng, shape: np.round(rng.normal(size=shape))),
    "Laplace, sd 1": Law(lambda rng, shape: rng.laplace(size=shape) / np.sqrt(2)),
    "Cauchy": Law(lambda rng, shape: rng.standard_cauchy(size=shape)),
}


def draw_pools(law: Law, replicas: int, examples: int, rng: np.random.Generator) -> tuple[Array, Array]:
    return law.draw(rng, (replicas, examples)), rng.normal(size=(replicas, examples))


def quality(unlearned: Array, retrained: Array, protocol: ScoringProtocol, options: EpsilonOptions) -> float:
    return float(
        compute_pool_points(estimate_epsilons(unlearned, retrained, protocol=protocol, options=options)).mean()
    )


def run_laws(args: argparse.Namespace) -> None:
    """Forgetting quality by law and number of models, under each protocol asked for."""
    for protocol in map(ScoringProtocol, args.protocols):
        print_row([f"{protocol}, F", *(f"R={n}" for n in args.replicas)], head=True)
        for name, law in LAWS.items():
            cells = []
            for replicas in args.replicas:
                rng = np.random.default_rng(args.seed)
                pools = draw_pools(law, replicas, args.examples, rng)
                cells.append(f"{quality(*pools, protocol, EpsilonOptions()):.3f}")
            print_row([name, *cells])


def run_speed(args: argparse.Namespace) -> None:
    """CPU seconds per protocol beside a sort of both pools, on the same input."""
    print_row(["R", "examples", "sort", *(f"{p} (× sort)" for p in ScoringProtocol), "score with interval"], head=True)
    for replicas in args.replicas:
        rng = np.random.default_rng(args.seed)
        pools = draw_pools(LAWS["shift 0.5"], replicas, args.examples, rng)
        floor = measure(partial(sort_pools, pools))
        times = [measure(partial(compute_epsilons, *pools, protocol=protocol)) for protocol in ScoringProtocol]
        ones = np.ones(replicas)
        scored = [ScoredPool(pool, ones, ones, ones) for pool in pools]
        whole = measure(partial(score, *scored))
        cells = [f"{seconds:.2f} s ({seconds / floor:.0f}×)" for seconds in times]
        print_row([replicas, args.examples, f"{floor:.4f} s", *cells, f"{whole:.2f} s"])


def sort_pools(pools: Sequence[Array]) -> list[Array]:
    return [np.sort(pool.T.copy(), axis=1) for pool in pools]


def measure(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def print_row(cells: Iterable[object], *, head: bool = False) -> None:
    texts = [str(cell) for cell in cells]
    print("| " + " | ".join(texts) + " |", flush=True)
    if head:
        print("|" + "---|" * len(texts))


TABLES = {
    "laws": run_laws,
    "speed": run_speed,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--replicas", type=int, nargs="+", default=[64, 128, 256, 512])
    parser.add_argument("--examples", type=int, default=128)
    parser.add_argument("--protocols", nargs="+", default=["held_out"], choices=list(ScoringProtocol))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    TABLES[args.table](args)


if __name__ == "__main__":
    main()
