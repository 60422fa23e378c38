"""The gate on a simulated machine, a few entries each: bench/bench_gate_errors.py has the whole table."""

import numpy as np
import pytest

from bench.gate_simulation import MACHINES, calibrate, is_thrown_out

BUSY = next(machine for machine in MACHINES if machine.name == "4 neighbours")


@pytest.mark.parametrize(("cost", "share"), [(0.08, 0), (0.095, 0), (0.12, 1), (0.2, 1)])
def test_a_busy_machine_throws_nobody_out_wrongly_and_passes_nobody_that_is_far_over(cost, share):
    rng = np.random.default_rng(3)
    retraining = calibrate(BUSY, rng)
    assert np.mean([is_thrown_out(cost, retraining, BUSY, rng) for _ in range(6)]) == share
