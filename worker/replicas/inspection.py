"""The score zone's door: weights from a sandbox go into the platform's own network, or the replica is at fault."""

import hashlib
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from safetensors.torch import load

from core.domain.faults import FaultCode
from core.domain.runtime import CpuClock
from evaluator.errors import BadWeights, NotFiniteWeights
from evaluator.inference import load_weights
from worker.problems import LoadedProblem, load_network
from worker.replicas.measurement import measure_network
from worker.replicas.outputs import ModelOutputs
from worker.replicas.relearn import MEASURED_REPLICAS, measure_relearning
from worker.runner.base import ReplicaResult
from worker.runner.verdict import find_fault


@dataclass(frozen=True, slots=True)
class InspectedReplica:
    """One replica, judged: its outputs, or whose fault it was."""

    index: int
    seed: int
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    weights_sha256: str
    outputs: ModelOutputs | None  # of this one model
    fault: FaultCode | None
    reason: str
    platform_fault: str
    log: str
    traceback: str
    clock: CpuClock = CpuClock.PROCESS
    waited_seconds: float | None = None

    @property
    def is_good(self) -> bool:
        return self.outputs is not None


class Inspector:
    """Holds one problem's network and tensors, and computes the outputs of one replica after another.

    relearns: whether the first replicas get their curves, which only a scorecard needs.
    """

    def __init__(self, problem: LoadedProblem, *, device: str = "cpu", relearns: bool = True) -> None:
        self._problem = problem
        self._relearns = relearns
        self._device = torch.device(device)
        self._network = load_network(problem).to(self._device)
        self._original: tuple[bytes, dict[str, torch.Tensor]] = (b"", {})  # the latest one, parsed

    def inspect(self, result: ReplicaResult, original: bytes) -> InspectedReplica:
        """Judge one replica, which started from `original`, safetensors of the platform's own."""
        fault, ours = find_fault(result.outcome), ""
        reason, outputs = result.error, None
        if fault is None and result.weights is None:
            ours = result.error or "the sandbox returned no weights"
        elif fault is None and result.weights is not None:
            outputs, fault, reason = self._compute(result.weights, original)
        if outputs is not None and self._relearns and result.index < MEASURED_REPLICAS:
            curves = measure_relearning(self._network, self._problem, device=self._device)
            outputs = replace(outputs, **{name: losses[None] for name, losses in asdict(curves).items()})
        digest = hashlib.sha256(result.weights).hexdigest() if result.weights is not None else ""
        return InspectedReplica(
            index=result.index,
            seed=result.seed,
            wall_seconds=result.wall_seconds,
            cpu_seconds=result.cpu_seconds,
            peak_memory_bytes=result.peak_memory_bytes,
            weights_sha256=digest,
            outputs=outputs,
            fault=fault,
            reason=reason,
            platform_fault=ours,
            log=result.log,
            traceback=result.traceback,
            clock=result.clock,
            waited_seconds=result.waited_seconds,
        )

    def _compute(self, weights: bytes, original: bytes) -> tuple[ModelOutputs | None, FaultCode | None, str]:
        try:
            load_weights(self._network, weights)
            start = self._parse(original)
            outputs = measure_network(self._network, self._problem, device=self._device, original=start)
        except NotFiniteWeights as error:
            return None, FaultCode.OUTPUT_NOT_FINITE, str(error)
        except BadWeights as error:
            return None, FaultCode.OUTPUT_SCHEMA, str(error)
        if not bool(np.isfinite(outputs.forget_logits).all()):
            return None, FaultCode.OUTPUT_NOT_FINITE, "the returned network's outputs are not finite"
        return outputs, None, ""

    def _parse(self, original: bytes) -> dict[str, torch.Tensor]:
        if self._original[0] is not original:
            self._original = original, {name: value.to(self._device) for name, value in load(original).items()}
        return self._original[1]
