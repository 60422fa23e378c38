"""CPU seconds of the literature's metrics, one by one and as the scorecard's one pass.

python -m bench.bench_metrics             each metric on random pools of two sizes
python -m bench.bench_metrics --pass      the whole pass on this machine's digits pools (trained if absent), its values
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from core.domain.pools import PoolKind
from core.problem_files import find_problem
from core.settings import Settings
from core.storage import FolderStore
from evaluator.inference import compute_logits
from evaluator.metrics import divergences, membership
from evaluator.metrics.klom import VARIANTS
from evaluator.metrics.ulira import compute_ulira
from worker.problems import LoadedProblem, load_network, load_problem
from worker.replicas.measurement import BATCH, measure_network
from worker.replicas.seconds import RunSeconds
from worker.scorecard.metrics import MIA_MODELS, UNTRAINED, describe_metrics
from worker.training.pools import TrainingPlan, ensure_pools, pool_sizes

SIZES = {"digits": (256, 128, 896, 645, 10), "CIFAR-10": (256, 4500, 4096, 4096, 10)}  # models, forget, probes, classes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pass", action="store_true", dest="whole")
    options = parser.parse_args()
    if options.whole:
        time_pass()
    else:
        for name, size in SIZES.items():
            time_each(name, *size)


def time_each(name: str, models: int, forget: int, retain: int, test: int, classes: int) -> None:
    rng = np.random.default_rng(0)
    logits, others = (rng.normal(size=(models, forget, classes)).astype(np.float32) for _ in range(2))
    untrained = rng.normal(size=(UNTRAINED, forget, classes)).astype(np.float32)
    asked, kept, unseen, again = (
        rng.normal(3, 2, size=(models, examples)).astype(np.float32) for examples in (forget, retain, test, forget)
    )
    scrub = partial(
        membership.compute_mia_kit_scrub,
        forget_labels=np.arange(forget) % classes,
        test_labels=np.arange(test) % classes,
    )
    few = slice(0, MIA_MODELS)
    works: dict[str, Callable[[], object]] = {
        f"MIA-eff, {MIA_MODELS} models": lambda: membership.compute_mia_eff(kept[few], unseen[few], asked[few]),
        "MIA-sfr": lambda: membership.compute_mia_sfr(abs(kept), abs(unseen), abs(asked)),
        "MIA-add": lambda: membership.compute_mia_add(asked, unseen),
        "MIA-kit (SCRUB)": lambda: scrub(asked, unseen),
        "D_KL": lambda: divergences.compute_kl(logits, others),
        "JS": lambda: divergences.compute_js(logits, others),
        "ZRF": lambda: divergences.compute_zrf(logits, untrained),
        "U-LiRA": lambda: compute_ulira(asked, again),
        **{key: lambda key=key: VARIANTS[key](asked, again) for key in VARIANTS},  # type: ignore[misc]
    }
    VARIANTS["klom"](asked[:4], again[:4])  # compiled kernels are loaded before the clock starts
    for title, work in works.items():
        print(f"{name:<10}{title:<20}{clock(work):8.3f} s CPU")


def time_pass() -> None:
    problem, settings = load_problem(find_problem("digits")), Settings()
    store = FolderStore(settings.store_folder)
    pools = ensure_pools(
        problem, pool_sizes(problem.spec), store, on_progress=lambda *_: None, plan=TrainingPlan(settings.workers)
    )
    outputs = pools[PoolKind.CONTROL].outputs
    run = RunSeconds((1.0,) * len(outputs), (1.0,) * len(outputs))
    for title in ("first pass, the retrained side too if it is not kept yet", "next pass", "next pass"):
        seconds = clock(lambda: describe_metrics(problem, outputs, pools, run=run, retrain=None, store=store))
        print(f"{title:<60}{seconds:8.2f} s CPU")
    time_measurement(problem)
    print("\nThe control bank as if it were a submission, and what stands beside it:")
    for entry in describe_metrics(problem, outputs, pools, run=run, retrain=None, store=store):
        if entry.value is not None and entry.retrained is not None:
            print(f"{entry.id:<28}{entry.value:>10.3f}{entry.retrained:>10.3f} {entry.unit}")


def time_measurement(problem: LoadedProblem) -> None:
    """What a replica costs beyond running it through the network."""
    network, splits = load_network(problem), problem.splits
    original = {name: value.clone() for name, value in network.state_dict().items()}

    def run_alone() -> None:
        for split in (splits.forget, splits.retain, splits.test):
            compute_logits(network, split.x, device="cpu", batch_size=BATCH)

    for title, work in (
        ("logits of one replica", run_alone),
        ("logits of one replica and all that is kept", lambda: measure_network(network, problem, original=original)),
    ):
        work()
        print(f"{title:<60}{min(clock(work) for _ in range(20)) * 1000:8.2f} ms CPU")


def clock(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
