"""Entries of a known number of retraining steps, measured as the gate does, beside busy neighbours.

python -m bench.bench_gate [--neighbours 0 4] [--costs 0.05 0.095 0.12] [--runs 24]     minutes; needs a sandbox
"""

import argparse
import os
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from core.domain.pools import PoolKind
from core.problem_files import find_problem
from core.settings import get_settings
from evaluator.paired import find_standing, split_alpha
from sandbox.contract import ENTRY_FILE
from worker.local import Bench, calibrate, open_bench
from worker.replicas.execution import make_orders, make_request, time_batch
from worker.replicas.yardstick import Plan, count_steps, make_yardstick_source
from worker.runner.base import LOCAL_LABEL
from worker.runner.choose import choose_sandbox
from worker.scorecard.cost import RetrainCost

RETRAININGS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neighbours", type=int, nargs="+", default=[0, 4])
    parser.add_argument("--costs", type=float, nargs="+", default=[0.05, 0.095, 0.12, 0.20])
    parser.add_argument("--runs", type=int, default=24)
    chosen = parser.parse_args()
    spec, settings = find_problem("digits"), get_settings()
    bench = open_bench(spec, settings, choose_sandbox(settings), {PoolKind.ORIGINAL: spec.pools.originals})
    retraining = calibrate([bench], lambda *_: None, count=RETRAININGS, tries=1)
    tie = retraining.find_tie("cpu")
    if tie is None:
        raise SystemExit("no yardstick took any time")
    print(
        f"retraining {sum(retraining.retrain.cpu) / RETRAININGS:.2f} s, {tie.estimate:.2f} ± {tie.error:.2f} yardsticks"
    )
    print("| neighbours | steps of 840, as a share | measured | lower bound | upper bound | | waited | wall seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for neighbours in chosen.neighbours:
        with keep_busy(neighbours):
            for cost in chosen.costs:
                print(measure(bench, retraining, cost, neighbours, chosen.runs), flush=True)


def measure(bench: Bench, retraining: RetrainCost, cost: float, neighbours: int, runs: int) -> str:
    begun, rules = time.monotonic(), bench.problem.spec.evaluation
    at_budget = count_steps(bench.problem)
    steps = round(at_budget * cost / rules.compute_budget)
    source = make_yardstick_source(bench.problem).replace(b"loader, %d)" % at_budget, b"loader, %d)" % steps)
    orders = make_orders(uuid.uuid4().hex, first=0, count=runs, originals=1)
    request = make_request(
        bench.problem,
        {ENTRY_FILE: source},
        label=f"{LOCAL_LABEL}{uuid.uuid4().hex[:12]}",
        originals=bench.originals(),
        orders=orders,
        retrain_seconds=None,
    )
    batch = time_batch(bench.sandbox, request, plan=Plan(runs, max(1, runs // 8)), on_progress=lambda _: True)
    found = retraining.pair(batch.measured, rules.gate, alpha=split_alpha(shards=1, is_last=True))
    if found is None:
        return f"| {neighbours} | {cost:.1%} | – | | | | | |"
    bounds = f"{found.estimate:.1%} | {found.low:.1%} | {found.high:.1%} | {find_standing(found, rules.compute_budget)}"
    waited = batch.measured[0].runs.waited or 0.0
    return f"| {neighbours} | {cost:.1%} | {bounds} | {waited:.0%} | {time.monotonic() - begun:.0f} |"


@contextmanager
def keep_busy(count: int) -> Iterator[None]:
    """That many processes that only count."""
    children = []
    for _ in range(count):
        child = os.fork()
        if child == 0:
            while True:
                pass
        children.append(child)
    try:
        yield
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


if __name__ == "__main__":
    main()
