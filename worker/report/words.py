"""What a report says in plain words."""

from core.scorecard import ScorecardRecord
from evaluator.explain import Region, Side
from worker.report.examples import ShownExample
from worker.report.rows import list_buckets

ATTACK_TEXT: dict[str, str] = {
    "none": "no attack got anywhere",
    "half_line": "one threshold on the confidence",
    "interval": "one span of confidences",
    "complement": "everything outside one span of confidences",
    "likelihood_ratio": "the ratio of two Gaussians fitted to the pools",
    "kernel_density": "the ratio of two smoothed histograms of the pools",
    "logistic_regression": "a weighing of several outputs, which no span of confidences can show",
    "range_guard": "one pool is under a hundredth as wide as the other, which the 2023 rule counts as given away",
    "below_grid": "both pools are narrower than the grid of the 2023 rule, which it counts as given away",
}
NEARLY_NONE = 0.05  # nats
WEAK, STRONG = 0.2, 0.5  # of a rank correlation


def name_attack(attack: str) -> str:
    return ATTACK_TEXT.get(attack, attack.replace("_", " "))


def describe_region(example: ShownExample) -> str:
    """What the attacker does in this example, and how often that is wrong; empty without a region."""
    region = example.region
    if region.predicts is None or region.false_positive_rate is None or region.false_negative_rate is None:
        return ""
    right, wrong = 100 * (1 - region.false_negative_rate), 100 * region.false_positive_rate
    other = Side.retrained if region.predicts is Side.unlearned else Side.unlearned
    said = (
        f"Says “{region.predicts}” where the confidence is {_name_parts(example)}: so for {right:.0f} % of the "
        f"{region.predicts} models and, wrongly, for {wrong:.0f} % of the {other} ones."
    )
    return f"{said} On models it was not chosen on it gains nothing." if example.epsilon < NEARLY_NONE else said


def show_rates(region: Region) -> str:
    if region.false_positive_rate is None or region.false_negative_rate is None:
        return "–"
    return f"FPR {region.false_positive_rate:.3f}, FNR {region.false_negative_rate:.3f}"


def _name_parts(example: ShownExample) -> str:
    lowest = min(float(example.unlearned.min()), float(example.retrained.min()))
    highest = max(float(example.unlearned.max()), float(example.retrained.max()))
    names = []
    for low, high in example.region.parts:
        if low <= lowest and high >= highest:
            names.append("anything")
        elif low <= lowest:
            names.append(f"below {high:.2f}")
        elif high >= highest:
            names.append(f"above {low:.2f}")
        else:
            names.append(f"between {low:.2f} and {high:.2f}")
    return " or ".join(names).replace("-", "−")


def read_points(record: ScorecardRecord) -> str:
    """Where most of the points went, in one sentence."""
    rows = list_buckets(record)
    lost = sum(row.lost for row in rows)
    worst = max(rows, key=lambda row: row.lost)
    if worst.lost == 0:
        return "Nothing was lost: every forget example earned a full point."
    total = sum(row.examples for row in rows)
    return (
        f"Of one full point for every example, {lost:.3f} was lost; most of it, {worst.lost:.3f}, "
        f"by the {worst.examples} of {total} examples with an epsilon of {worst.label}."
    )


def read_correlation(correlation: float | None) -> str:
    """What a rank correlation of epsilon with the retrained models' mean confidence means."""
    if correlation is None:
        return "All epsilons or all confidences are equal, so there is nothing to compare."
    shown = f"rank correlation {correlation:.2f}".replace("-", "−")
    if abs(correlation) < WEAK:
        return f"How difficult an example is says little about how well it was forgotten ({shown})."
    degree = "clearly" if abs(correlation) >= STRONG else "somewhat"
    if correlation < 0:
        return (
            f"Difficult examples are {degree} worse forgotten ({shown}): a network that never saw them gets them "
            "wrong, so what was memorised of them stands out."
        )
    return (
        f"Easy examples are {degree} worse forgotten ({shown}): retrained models are sure of them, so unlearning went "
        "too far there or damaged what it should have kept."
    )
