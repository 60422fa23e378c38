"""How a score came about, in one line: the formula of its metric version with its own numbers."""

from core.scorecard import ScorecardRecord

LIKENESS_VERSION = "lacuna-3"  # ranks by all examples; versions before it, and published rules, by forget examples


def ranks_by_likeness(record: ScorecardRecord) -> bool:
    return record.metric_version == LIKENESS_VERSION and record.likeness is not None and record.protocol == "held_out"


def describe_formula(record: ScorecardRecord) -> str:
    """Numbers as the reader may see them; docs/metric.md §9."""
    likeness, kept, share = record.likeness, record.utility, record.share or "accuracy"
    if likeness is None or not ranks_by_likeness(record):
        return (
            f"score {record.score.estimate:.3f} = forgetting quality {record.forgetting_quality:.3f} × retain {share} "
            f"kept {kept.retain_ratio:.3f} × test {share} kept {kept.test_ratio:.3f}"
        )
    retain, test = (min(ratio, 1.0) for ratio in (kept.retain_ratio, kept.test_ratio))
    return (
        f"score {record.score.estimate:.3f} = least of F forget {likeness.forget:.3f}, F test {likeness.test:.3f} and "
        f"F retain {likeness.retain:.3f} × balance {likeness.balance:.3f} × retain {share} kept {retain:.3f} × test "
        f"{share} kept {test:.3f}"
    )
