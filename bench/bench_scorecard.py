"""Processor seconds of the parts of a scorecard, by what lacuna-2 needed and by what is computed today.

python -m bench.bench_scorecard [--replicas 256] [--problem digits]     made-up outputs of the problem's shapes
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.domain.pools import PoolKind
from core.problem_files import find_problem
from core.storage import FolderStore
from evaluator import MetricVersion, ScoredPool, score
from worker.problems import LoadedProblem, load_problem
from worker.replicas.outputs import PROBE, RELEARN_STEPS, ModelOutputs
from worker.scorecard.attacks import describe_attacks
from worker.scorecard.flags import FlagFacts, find_flags
from worker.scorecard.joint import measure_clumping, measure_joint
from worker.scorecard.metrics import compare_excess, compare_pools, load_untrained, measure_pool
from worker.scorecard.scored import make_scored_pool, make_scoring_spec
from worker.training.pools import Pool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--problem", default="digits")
    parser.add_argument("--replicas", type=int, default=256)
    args = parser.parse_args()
    problem = load_problem(find_problem(args.problem))
    ours, theirs, control = (draw_outputs(problem, args.replicas, seed) for seed in range(3))
    pools = {
        kind: Pool("0" * 64, kind, args.replicas, bank, (), ())
        for kind, bank in zip(PoolKind, (ours, theirs, control), strict=True)
    }
    scored, bank = make_scored_pool(problem, ours), make_scored_pool(problem, theirs)
    old, new = (make_scoring_spec(problem.spec.evaluation, version) for version in MetricVersion)
    score(scored, bank, spec=new)  # compiles
    card = score(strip(scored), strip(bank), spec=old)
    with tempfile.TemporaryDirectory() as folder:
        untrained = load_untrained(problem, FolderStore(Path(folder)))
    shared = [
        measure("metrics", lambda: (measure_pool(problem, ours, untrained), compare_pools(problem, ours, theirs))),
        measure("KLOM excess", lambda: compare_excess(problem, ours, theirs, control)),
        measure("flags", lambda: find_flags(problem, ours, pools, FlagFacts())),
        measure(
            "attacks, each alone",
            lambda: describe_attacks(
                card.epsilons,
                (np.asarray(scored.confidences), np.asarray(bank.confidences)),
                (ours.forget_logits, theirs.forget_logits),
            ),
        ),
    ]
    before = [*shared, measure("score, lacuna-2", lambda: score(strip(scored), strip(bank), spec=old))]
    after = [
        *shared,
        measure("score, lacuna-3", lambda: score(scored, bank, spec=new)),
        measure("joint view", lambda: measure_joint(ours, theirs)),
        measure("clumping", lambda: measure_clumping(scored, bank)),
    ]
    print(f"lacuna-2 {sum(before):.2f} s, today {sum(after):.2f} s: {sum(after) / sum(before):.2f} times as long")


def draw_outputs(problem: LoadedProblem, replicas: int, seed: int) -> ModelOutputs:
    rng, splits = np.random.default_rng(seed), problem.splits
    probes = {name: min(len(getattr(splits, name)), PROBE) for name in ("retain", "test")}
    drawn: dict[str, Any] = {
        f"{name}_{what}": rng.normal(size=(replicas, probe)).astype(np.float32) ** power
        for name, probe in probes.items()
        for what, power in (("confidence", 1), ("entropy", 2))
    }
    drawn |= {f"{name}_accuracy": rng.uniform(0.8, 0.9, size=replicas) for name in ("retain", "forget", "test")}
    return ModelOutputs(
        forget_logits=rng.normal(size=(replicas, len(splits.forget), problem.num_classes)).astype(np.float32),
        **drawn,
        weight_change=np.ones(replicas),
        relearn_loss=rng.uniform(size=(replicas, RELEARN_STEPS + 1)).astype(np.float32),
        relearn_retain_loss=rng.uniform(size=(replicas, RELEARN_STEPS + 1)).astype(np.float32),
    )


def strip(pool: ScoredPool) -> ScoredPool:
    return replace(pool, test_confidences=None, retain_confidences=None)


def measure(name: str, work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    seconds = time.process_time() - start
    print(f"{name:24}{seconds:7.2f} s", flush=True)
    return seconds


if __name__ == "__main__":
    main()
