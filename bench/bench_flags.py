"""How often the flags accuse honest pools, and how near they come: `python -m bench.bench_flags`.

Real models: two banks of retrained models of a problem are mixed; some are drawn as the submission, the rest are cut
into the retrained and the control bank. Made-up models: Gaussian points of few or many dimensions, where distances
spread more than those of real networks do.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from core.domain.pools import PoolKind
from core.problem_files import find_problem
from core.scorecard import FlagCheck
from evaluator.fingerprints import make_reference
from evaluator.flags import check_collapsed, check_copied
from worker.problems import LoadedProblem, load_problem
from worker.replicas.outputs import ModelOutputs, concat_outputs
from worker.replicas.relearn import MEASURED_REPLICAS, add_relearning
from worker.scorecard.flags import FlagFacts, find_flags
from worker.training.chunks import pool_chunks, train_chunk
from worker.training.pools import Pool

WIDTH = 300  # outputs of a made-up model


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--problem", default="digits")
    options.add_argument("--bank", type=int, default=128, help="models in each of the two banks")
    options.add_argument("--replicas", type=int, default=64, help="of a submission")
    options.add_argument("--rounds", type=int, default=400)
    given = options.parse_args()
    torch.set_num_threads(1)
    problem = load_problem(find_problem(given.problem))
    print(f"{given.problem}: {given.rounds} submissions of {given.replicas} retrained models each")
    report(list(draw_real(problem, given.bank, given.replicas, given.rounds)))
    for dimensions in (2, 3, 5, 10, 30):
        fired, extremes = Counter[str](), []
        for found in draw_made_up(dimensions, given.bank, given.replicas, given.rounds):
            fired.update(check.code for check in found if check.flag)
            extremes.append(found[1].value or 0.0)
        print(
            f"{dimensions:3d} dimensions: collapsed {fired['collapsed'] / given.rounds:.3f}, "
            f"copied_member {fired['copied_member'] / given.rounds:.3f} (lowest value {min(extremes):.2f})"
        )


def draw_real(problem: LoadedProblem, bank: int, replicas: int, rounds: int) -> Iterator[tuple[FlagCheck, ...]]:
    every = concat_outputs([train(problem, kind, bank) for kind in (PoolKind.RETRAINED, PoolKind.CONTROL)])
    original = train(problem, PoolKind.ORIGINAL, 1)
    rng = np.random.default_rng(0)
    for _ in range(rounds):
        order = rng.permutation(len(every))
        chosen, rest = every.select(order[:replicas]), order[replicas:]
        chosen = replace(chosen, weight_change=np.ones(replicas), relearn_loss=keep_first(chosen, MEASURED_REPLICAS))
        half = len(rest) // 2
        pools = {
            kind: Pool("", kind, len(outputs), outputs, (), ())
            for kind, outputs in (
                (PoolKind.ORIGINAL, original),
                (PoolKind.RETRAINED, every.select(rest[:half])),
                (PoolKind.CONTROL, every.select(rest[half:])),
            )
        }
        facts = FlagFacts(tuple(map(str, order[:replicas])), chosen.select(slice(0, 1)))
        yield find_flags(problem, chosen, pools, facts)


def keep_first(outputs: ModelOutputs, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    losses = outputs.relearn_loss.copy()
    losses[count:] = -1
    return losses


def train(problem: LoadedProblem, kind: PoolKind, size: int) -> ModelOutputs:
    parts = []
    for chunk in pool_chunks(problem, kind, size):
        trained = train_chunk(problem, chunk)
        parts.append(add_relearning(trained.outputs, trained.weights, problem))
    return concat_outputs(parts)


def draw_made_up(dimensions: int, bank: int, replicas: int, rounds: int) -> Iterator[tuple]:  # type: ignore[type-arg]
    rng = np.random.default_rng(dimensions)
    for _ in range(rounds):
        loadings = rng.normal(size=(dimensions, WIDTH))
        models = rng.normal(size=(2 * bank, dimensions)) @ loadings
        reference = make_reference(models[replicas:], models[:1])
        prints = reference.standardise(models[:replicas])
        yield check_collapsed(prints, reference, ()), check_copied(prints, reference)


def report(rounds: Sequence[tuple[FlagCheck, ...]]) -> None:
    for checks in zip(*rounds, strict=True):
        values = [check.value for check in checks if check.value is not None]
        below = checks[0].fires == "below"
        nearest = (min(values) if below else max(values)) if values else float("nan")
        thresholds = [check.threshold for check in checks if check.threshold is not None]
        fired = sum(check.severity is not None for check in checks)
        bounds = f"{checks[0].fires} {min(thresholds):.3f} to {max(thresholds):.3f}"
        print(f"{checks[0].code:15s} fired {fired:3d}   nearest value {nearest:.3f}   fires {bounds}")


if __name__ == "__main__":
    main()
