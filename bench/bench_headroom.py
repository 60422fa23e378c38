"""How far the plain loop stands behind the fastest known trainer of one model, for problems whose data is here.

    python -m bench.bench_headroom digits fashion-mnist fashion-mnist-resnet18

The last column is what a step of the plain loop takes without oneDNN over what it takes with it.
"""

import sys

import torch

from core.domain.headroom import Headroom
from core.problem_files import find_problem
from core.problems import ProblemSpec
from worker.problems import load_problem
from worker.training.headroom import measure_headroom


def main() -> None:
    torch.set_num_threads(1)
    print(f"{'problem':26}{'plain, ms':>11}{'fastest, ms':>13}{'ratio':>8}{'without oneDNN':>16}  trainer, verdict")
    for name in sys.argv[1:] or ["digits"]:
        spec = find_problem(name)
        without, with_it = (measure(spec, allow_native=allowed) for allowed in (False, True))
        found = with_it if spec.evaluation.allow_native else without
        verdict = "fit for prizes" if found.is_fit_for_prizes else "unfit"
        print(
            f"{name:26}{found.plain_ms:11.3f}{found.fastest_ms:13.3f}{found.ratio:8.2f}"
            f"{without.plain_ms / with_it.plain_ms:16.2f}  {found.trainer}, {verdict}"
        )


def measure(spec: ProblemSpec, *, allow_native: bool) -> Headroom:
    evaluation = spec.evaluation.model_copy(update={"allow_native": allow_native})
    return measure_headroom(load_problem(spec.model_copy(update={"evaluation": evaluation})), device="cpu")


if __name__ == "__main__":
    main()
