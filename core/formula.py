"""How a score came about, in one line: the formula of its metric version with its own numbers."""

import math
from dataclasses import dataclass

from core.domain.contests import count_pairs
from core.scorecard import ScorecardRecord

LIKENESS_VERSION = "lacuna-3"  # ranks by all examples; versions before it, and published rules, by forget examples


def ranks_by_likeness(record: ScorecardRecord) -> bool:
    return record.metric_version == LIKENESS_VERSION and record.likeness is not None and record.protocol == "held_out"


@dataclass(frozen=True, slots=True)
class Factor:
    name: str
    value: float


def list_factors(record: ScorecardRecord) -> tuple[Factor, ...]:
    """What is multiplied to the score, in order."""
    likeness, kept = record.likeness, record.utility
    if likeness is None or not ranks_by_likeness(record):
        first: tuple[Factor, ...] = (Factor("forgetting quality", record.forgetting_quality),)
        ratios = (kept.retain_ratio, kept.test_ratio)
    else:
        sets = {"F forget": likeness.forget, "F test": likeness.test, "F retain": likeness.retain}
        least = min(sets, key=lambda name: sets[name])
        first = (Factor(f"{least}, the least of three", sets[least]), Factor("balance", likeness.balance))
        ratios = (min(kept.retain_ratio, 1.0), min(kept.test_ratio, 1.0))
    factors = (*first, Factor("retain accuracy kept", ratios[0]), Factor("test accuracy kept", ratios[1]))
    product = math.prod(factor.value for factor in factors)
    if record.pairs is None or product == 0:
        return factors
    return (*factors, Factor("averaged pair by pair", record.score.estimate / product))


def describe_formula(record: ScorecardRecord) -> str:
    """Numbers as the reader may see them; docs/metric.md §9."""
    likeness, kept, share = record.likeness, record.utility, record.share or "accuracy"
    score = f"score {record.score.estimate:.3f} ="
    if record.pairs is not None:
        score += f" mean over {count_pairs(record.pairs.originals, record.pairs.requests)} of"
    if likeness is None or not ranks_by_likeness(record):
        return (
            f"{score} forgetting quality {record.forgetting_quality:.3f} × retain {share} "
            f"kept {kept.retain_ratio:.3f} × test {share} kept {kept.test_ratio:.3f}"
        )
    retain, test = (min(ratio, 1.0) for ratio in (kept.retain_ratio, kept.test_ratio))
    return (
        f"{score} least of F forget {likeness.forget:.3f}, F test {likeness.test:.3f} and "
        f"F retain {likeness.retain:.3f} × balance {likeness.balance:.3f} × retain {share} kept {retain:.3f} × test "
        f"{share} kept {test:.3f}"
    )
