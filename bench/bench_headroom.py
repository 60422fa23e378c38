"""How far the plain loop stands behind the fastest known trainer of one model, for problems whose data is here.

python -m bench.bench_headroom digits fashion-mnist
"""

import sys

import torch

from core.problems import find_problem
from worker.problems import load_problem
from worker.training.headroom import measure_headroom


def main() -> None:
    torch.set_num_threads(1)
    print(f"{'problem':26}{'plain, ms':>11}{'fastest, ms':>13}{'ratio':>8}  trainer, verdict")
    for name in sys.argv[1:] or ["digits"]:
        found = measure_headroom(load_problem(find_problem(name)), device="cpu")
        verdict = "fit for prizes" if found.is_fit_for_prizes else "unfit"
        print(f"{name:26}{found.plain_ms:11.3f}{found.fastest_ms:13.3f}{found.ratio:8.2f}  {found.trainer}, {verdict}")


if __name__ == "__main__":
    main()
