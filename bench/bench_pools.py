"""Pool training against a plain loop of single trainings, side by side: models per second and their ratio.

python -m bench.bench_pools [--problem digits --problem fashion-mnist] [--epochs-share 0.2] [--rounds 3]
Rounds alternate between the two, so that a machine that slows down slows both; medians are printed.
"""

import argparse
import dataclasses
import statistics
import time
from collections.abc import Callable

import torch

from core.domain.pools import PoolKind
from core.problem_files import find_problem
from worker.problems import LoadedProblem, load_problem
from worker.replicas.measurement import measure_network
from worker.training.chunks import choose_strategy, pool_chunks
from worker.training.members import member_seed
from worker.training.one_by_one import train_one
from worker.training.parallel import default_workers, train_chunks

PLAIN_SECONDS = 4.0  # of one round of the plain loop, roughly


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problem", action="append", help="default: digits and fashion-mnist")
    parser.add_argument("--epochs-share", type=float, default=0.2, help="share of the recipe's epochs (default 0.2)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=default_workers())
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'problem':<16}{'strategy':<14}{'pool/s':>9}{'plain/s':>9}{'ratio':>7}   ({options.workers} processes)")
    for slug in options.problem or ["digits", "fashion-mnist"]:
        problem = shorten(load_problem(find_problem(slug)), share=options.epochs_share)
        compare(problem, rounds=options.rounds, workers=options.workers, device=options.device)


def shorten(problem: LoadedProblem, *, share: float) -> LoadedProblem:
    """Cut the number of epochs: both sides do the same steps, fewer of them."""
    recipe = problem.spec.recipe.model_copy(update={"epochs": max(round(problem.spec.recipe.epochs * share), 1)})
    return dataclasses.replace(problem, spec=problem.spec.model_copy(update={"recipe": recipe}))


def compare(problem: LoadedProblem, *, rounds: int, workers: int, device: str) -> None:
    strategy = choose_strategy(problem, device=device)
    step = len(pool_chunks(problem, PoolKind.RETRAINED, 1_000)[0].seeds)

    def pool(members: int) -> None:
        chunks = pool_chunks(problem, PoolKind.RETRAINED, members)
        for _ in train_chunks(problem, chunks, workers=workers, device=device):
            pass

    def plain(members: int) -> None:
        for index in range(members):
            seed = member_seed(problem.spec.pools.seed, PoolKind.RETRAINED, index)
            measure_network(train_one(problem, PoolKind.RETRAINED, seed, device=torch.device(device)), problem)

    plain(1)  # imports and first-use costs
    plain_members = max(round(PLAIN_SECONDS / clock(plain, 1)), 1)
    whole_chunks = max(round(plain_members / (step * workers)), 1)
    pool_members = step * workers * whole_chunks
    pool(workers)  # the fork server imports torch
    rates = [
        (pool_members / clock(pool, pool_members), plain_members / clock(plain, plain_members)) for _ in range(rounds)
    ]
    fast, slow = (statistics.median(column) for column in zip(*rates, strict=True))
    ratio = statistics.median(left / right for left, right in rates)
    print(f"{problem.spec.slug:<16}{strategy:<14}{fast:>9.2f}{slow:>9.2f}{ratio:>6.1f}×")


def clock(work: Callable[[int], None], members: int) -> float:
    start = time.perf_counter()
    work(members)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
