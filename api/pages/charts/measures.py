"""What a line of a board can show beside its rank and name: as a column, as the order of the list, on a chart."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from api.pages.kit.formats import DASH, format_number, format_percent, format_share
from core.domain.errors import InvalidInput

SURE = 0.995


class Kind(StrEnum):
    FIGURE = "figure"  # about 0 to 1
    CHANCE = "chance"
    SHARE = "share"  # of a retraining, over decades
    PERCENT = "percent"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Measure:
    key: str  # of an entry's field
    name: str
    why: str  # what stands behind the question mark
    kind: Kind = Kind.FIGURE
    falls: bool = True  # the largest stands first

    @property
    def words(self) -> str:
        """Its name inside of a sentence."""
        return self.name[0].lower() + self.name[1:] if self.name[1:2].islower() else self.name


SCORE = Measure("score", "Score", "How well unlearned models pass for retrained ones, 0 to 1, with its 95 % interval.")
RUNTIME = Measure(
    "relative_runtime",
    "Runtime",
    "What one run costs, as a share of one retraining in the same sandbox. Entries over the budget have no rank.",
    Kind.SHARE,
    falls=False,
)
DATE = Measure("submitted_at", "Date", "The day on which the file was uploaded, UTC.", Kind.DATE)
MORE = (
    Measure(
        "truly_better_than_next",
        "Better than next",
        "Probability that the entry is truly better than the next ranked one below.",
        Kind.CHANCE,
    ),
    Measure(
        "would_win_again",
        "Wins again",
        "Probability that it would stand above the next ranked one if both ran once more.",
        Kind.CHANCE,
    ),
    Measure("score_corrected", "Corrected", "The score without the bias of finitely many replicas; it ranks nobody."),
    Measure("score_error", "Error", "Standard error of the score over fresh models of both pools.", falls=False),
    Measure("forgetting_quality", "F forget", "Points of the forget examples for being hard to tell apart, 0 to 1."),
    Measure("test_quality", "F test", "The same points of test examples; the score begins with the least of three."),
    Measure("retain_quality", "F retain", "The same points of retain examples."),
    Measure("balance", "Balance", "1 where forget examples give away as little as test examples; less means memory."),
    Measure(
        "noise_shared",
        "Noise of pairs",
        "Share of the score's variance that comes from originals and requests; the rest comes from replicas.",
        Kind.SHARE,
        falls=False,
    ),
    Measure("utility", "Utility", "Accuracy kept on retain and test examples, relative to retrained models."),
    Measure("neurips2023", "2023", "Score of the same runs under the rule of the 2023 contest."),
    Measure("exact", "Exact", "Score of the same runs under the exact protocol."),
    Measure("unlearning_accuracy", "UA", "Unlearning accuracy: 100 minus that on the forget set.", Kind.PERCENT),
    Measure("retain_accuracy", "RA", "Accuracy on the retain set, percent.", Kind.PERCENT),
    Measure("test_accuracy", "TA", "Accuracy on the test set, percent.", Kind.PERCENT),
)
MEASURES = {each.key: each for each in (SCORE, RUNTIME, DATE, *MORE)}
# a chart needs a value of every entry, and probabilities are about neighbours
AXES = {each.key: each for each in MEASURES.values() if each.kind is not Kind.CHANCE}


def find_measure(key: str, among: Mapping[str, Measure]) -> Measure:
    found = among.get(key)
    if found is None:
        raise InvalidInput(f"there is no {key!r} to show; there are {', '.join(among)}")
    return found


def read_value(measure: Measure, values: Mapping[str, Any]) -> float | None:
    """As a number, times as seconds since 1970."""
    found = values.get(measure.key)
    return found.timestamp() if isinstance(found, datetime) else found


def format_value(measure: Measure, value: float | None) -> str:
    if value is None:
        return DASH
    match measure.kind:
        case Kind.CHANCE:  # never 100 %: a probability is not a proof
            return "> 99 %" if value > SURE else f"{100 * value:.0f} %"
        case Kind.SHARE:
            return format_share(value)
        case Kind.PERCENT:
            return format_percent(value)
        case Kind.DATE:
            return format_day(value)
        case Kind.FIGURE:
            return format_number(value)


def format_day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
