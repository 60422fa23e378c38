"""False decisions of the gate on simulated machines, half a minute each for 200 trials.

python -m bench.bench_gate_errors [TRIALS [MACHINE ...]]
"""

import sys

import numpy as np

from bench.gate_simulation import MACHINES, calibrate, is_thrown_out

COSTS = (0.05, 0.08, 0.095, 0.105, 0.11, 0.12, 0.20)


def main(trials: int, names: list[str]) -> None:
    print(f"share of {trials} entries thrown out, by what they truly cost; budget 10 %")
    print("| machine | " + " | ".join(f"{cost:.1%}" for cost in COSTS) + " |")
    print("|---" * (len(COSTS) + 1) + "|")
    for machine in (each for each in MACHINES if not names or each.name in names):
        shares = []
        for cost in COSTS:
            rng = np.random.default_rng(7)
            out = sum(is_thrown_out(cost, calibrate(machine, rng), machine, rng) for _ in range(trials))
            shares.append(f"{out / trials:.1%}")
        print(f"| {machine.name} | " + " | ".join(shares) + " |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200, sys.argv[2:])
