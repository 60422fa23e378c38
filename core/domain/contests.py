"""What a contest of so many originals and requests can and cannot tell: the sentence on its board."""

import math
from collections.abc import Mapping

# Standard deviations of the difference of two entries' scores, by what is drawn anew: 32 replicas of each, the
# original, the forget request, and what these two do together. `python -m bench.bench_contests agreement`;
# docs/metric.md §14.
MEASURED_REPLICAS = 32
OF_REPLICAS, OF_ORIGINALS, OF_REQUESTS, OF_BOTH = 0.0103, 0.0043, 0.0003, 0.0
# Two contests name the same of two entries first in 90 % where it leads by so many standard deviations.
AGREED = 1.62
NOISE_WORDS = {"replicas": "replicas", "originals": "originals", "requests": "requests", "both": "the two together"}


def find_telling_lead(originals: int, requests: int, replicas: int) -> float:
    """How far apart two entries are whose order two contests of this size find alike in 90 % of cases."""
    cells = originals * requests
    variance = (
        OF_REPLICAS**2 * math.sqrt(MEASURED_REPLICAS / max(replicas, 1)) / cells
        + OF_ORIGINALS**2 / originals
        + OF_REQUESTS**2 / requests
        + OF_BOTH**2 / cells
    )
    return AGREED * math.sqrt(variance)


def describe_scope(originals: int, requests: int, replicas: int, *, allows_for_others: bool = False) -> str:
    """What intervals, groups and probabilities of a board are about, and what it cannot tell.

    allows_for_others: whether they were made from the scores of every original and request apart
    (`evaluator.contests`), and not from those of replicas alone.
    """
    lead = find_telling_lead(originals, requests, replicas)
    about = f"{_count(originals, 'original model')} and {_count(requests, 'forget request')}"
    if allows_for_others:
        alone = " and ".join(word for word, count in (("original", originals), ("request", requests)) if count == 1)
        unknown = f"; what another {alone} would change is not estimated" if alone else ""
        held = f"The mean over all pairs ranks; intervals, groups and probabilities allow for others{unknown}."
    else:
        held = "Intervals, groups and probabilities hold for these alone: others may order close entries differently."
    return (
        f"Every entry ran on {about}. {held} On the practice problem two contests of this size put the same of two"
        f" entries first in 90 % of cases where they truly are {lead:.3f} apart, and less often where they are closer."
    )


def describe_noise(noise: Mapping[str, float | None], *, originals: int, requests: int) -> str:
    """Where the variance of a mean score comes from, and what one alone cannot tell. noise: shares by source."""
    known = [f"{NOISE_WORDS[name]} {share:.0%}" for name, share in noise.items() if share is not None]
    if not known:
        return ""
    one = [word for word, number in (("original", originals), ("request", requests)) if number == 1]
    unknown = f"; what another {' or '.join(one)} would change is not estimated, as there is one" if one else ""
    return f"{', '.join(known)} of the variance{unknown}"


def count_pairs(originals: int, requests: int) -> str:
    return f"{_count(originals, 'original')} × {_count(requests, 'request')}"


def _count(number: int, noun: str) -> str:
    return f"one {noun}" if number == 1 else f"{number} {noun}s"
