"""Checks a scored entry for what a score alone does not show, from stored outputs; docs/flags.md.

Flags accuse nobody and change no score: organizers see them and decide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.domain.intake.density import find_least
from core.domain.intake.report import Brought
from core.domain.pools import PoolKind
from core.problem_parts import RequestKind
from core.scorecard import FlagCheck, RaisedFlag
from core.storage import BlobStore
from evaluator.fingerprints import Reference, compute_fingerprints, make_reference
from evaluator.flags import (
    BELOW,
    Check,
    FlagCode,
    check_brought,
    check_collapsed,
    check_copied,
    check_no_op,
    check_relearning,
    check_rerun,
    check_swap,
    check_variance,
    skip,
)
from worker.problems import LoadedProblem
from worker.replicas.measurement import compute_forget_confidence
from worker.replicas.outputs import ModelOutputs, concat_outputs, load_npz, save_npz
from worker.replicas.swapping import choose_swapped
from worker.training.pools import Pool

DIGITS = 6  # of what is stored


@dataclass(frozen=True, slots=True)
class FlagFacts:
    """What is known of the replicas beside their outputs."""

    digests: tuple[str, ...] = ()  # of each replica's weights
    reruns: ModelOutputs | None = None  # of the first replicas, run again with their seeds
    swapped: ModelOutputs | None = None  # of replicas that were told to forget other examples
    spare: ModelOutputs | None = None  # of the original that those started from
    evaluation_id: str = ""  # which those were drawn from
    brought: Brought | None = None  # None: the source was not to be had


def find_flags(
    problem: LoadedProblem, outputs: ModelOutputs, pools: Mapping[PoolKind, Pool], facts: FlagFacts
) -> tuple[FlagCheck, ...]:
    """The checks of replicas against each other and the pools, with their values, whether they fired or not."""
    members = [pools[kind].outputs for kind in (PoolKind.RETRAINED, PoolKind.CONTROL)]
    reference = make_reference(
        np.concatenate([_fingerprint(part) for part in members]), _fingerprint(pools[PoolKind.ORIGINAL].outputs)
    )
    prints = reference.standardise(_fingerprint(outputs))
    checks = (
        check_no_op(prints, reference, outputs.weight_change),
        check_collapsed(prints, reference, facts.digests if len(facts.digests) == len(outputs) else ()),
        check_variance(*(_collect_confidences(problem, part) for part in (outputs, *members))),
        check_copied(prints, reference),
        _check_rerun(prints, reference, facts.reruns),
        _check_relearning(outputs, members, pools[PoolKind.ORIGINAL].outputs),
        _check_swap(problem, outputs, pools, facts),
        _check_brought(facts.brought),
    )
    return tuple(describe_check(check) for check in checks)


def pick_raised(checks: Sequence[FlagCheck]) -> tuple[RaisedFlag, ...]:
    """The checks that fired."""
    return tuple(
        RaisedFlag(
            code=check.code,
            severity=check.severity,
            value=check.value,
            threshold=check.threshold,
            fires=check.fires,
            detail=check.detail,
        )
        for check in checks
        if check.severity is not None
    )


def describe_check(check: Check) -> FlagCheck:
    """As a scorecard holds it."""
    return FlagCheck(
        code=check.code,
        severity=check.severity,
        value=_round(check.value),
        threshold=_round(check.threshold),
        fires="below" if check.code in BELOW else "above",
        detail=check.detail,
    )


def store_reruns(store: BlobStore, evaluation_id: str, reruns: Sequence[ModelOutputs]) -> None:
    """Keep the reruns of an evaluation; the seeds are the same, so whoever comes second stores the same."""
    _store_outputs(store, _name_reruns(evaluation_id), reruns)


def load_reruns(store: BlobStore, evaluation_id: str) -> ModelOutputs | None:
    return _load_outputs(store, _name_reruns(evaluation_id))


def store_swapped(store: BlobStore, evaluation_id: str, swapped: Sequence[ModelOutputs]) -> None:
    """As `store_reruns`, of the swap test."""
    _store_outputs(store, _name_swapped(evaluation_id), swapped)


def load_swapped(store: BlobStore, evaluation_id: str) -> ModelOutputs | None:
    return _load_outputs(store, _name_swapped(evaluation_id))


def _store_outputs(store: BlobStore, name: str, parts: Sequence[ModelOutputs]) -> None:
    if parts:
        store.set_ref(name, store.put(save_npz(concat_outputs(parts))))


def _load_outputs(store: BlobStore, name: str) -> ModelOutputs | None:
    digest = store.get_ref(name)
    return load_npz(store.get(digest)) if digest is not None else None


def _name_reruns(evaluation_id: str) -> str:
    return f"reruns/{evaluation_id}"


def _name_swapped(evaluation_id: str) -> str:
    return f"swapped/{evaluation_id}"


def _fingerprint(outputs: ModelOutputs) -> npt.NDArray[np.float64]:
    return compute_fingerprints(outputs.forget_logits, outputs.retain_confidence)


def _collect_confidences(problem: LoadedProblem, outputs: ModelOutputs) -> dict[str, npt.NDArray[Any]]:
    return {"forget": compute_forget_confidence(problem, outputs), "retain": outputs.retain_confidence}


def _check_rerun(prints: npt.NDArray[np.float64], reference: Reference, reruns: ModelOutputs | None) -> Check:
    if reruns is None:
        return skip(FlagCode.rerun_distance, "No replica was run again.")
    return check_rerun(prints, reference.standardise(_fingerprint(reruns)))


def _check_relearning(outputs: ModelOutputs, members: Sequence[ModelOutputs], originals: ModelOutputs) -> Check:
    ours, starts = _measured(outputs), _measured(originals)
    theirs = np.concatenate([_measured(part) for part in members])
    if 0 in (len(ours), len(starts), len(theirs)):
        return skip(FlagCode.relearn_time, "Relearning was not measured.")
    return check_relearning(ours, theirs, float(starts[:, 0].mean()))


def _check_swap(
    problem: LoadedProblem, outputs: ModelOutputs, pools: Mapping[PoolKind, Pool], facts: FlagFacts
) -> Check:
    places = choose_swapped(problem, facts.evaluation_id)
    if facts.swapped is None or facts.spare is None or places is None:
        return skip(FlagCode.swap_ignored, "No replica was told to forget other examples.")

    def contrast(part: ModelOutputs) -> npt.NDArray[np.float64]:
        kept = part.retain_confidence[:, places].mean(axis=1, dtype=np.float64)
        return np.asarray(compute_forget_confidence(problem, part).mean(axis=1) - kept)

    originals, retrained = (contrast(pools[kind].outputs) for kind in (PoolKind.ORIGINAL, PoolKind.RETRAINED))
    return check_swap(
        contrast(outputs),
        contrast(facts.swapped),
        originals,
        contrast(facts.spare),
        retrained,
        alike=problem.asked.kind is RequestKind.RANDOM,
    )


def _check_brought(brought: Brought | None) -> Check:
    if brought is None:
        return skip(FlagCode.brought_table, "The source was not to be had.")
    parts = {name: count for name, count in asdict(brought).items() if name != "statements"}
    return check_brought(parts, find_least(brought))


def _measured(outputs: ModelOutputs) -> npt.NDArray[np.float32]:
    return outputs.relearn_loss[outputs.relearn_loss[:, 0] >= 0]


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
