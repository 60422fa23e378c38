import numpy as np
import pytest

from core.domain.submission import VERDICT_TEXT, Verdict
from core.scorecard import parse_scorecard
from evaluator import Attack
from evaluator.explain import Part, Region, Side
from tests.unit.worker.reports import make_body, make_example, make_record
from worker.report.words import (
    ATTACK_TEXT,
    describe_region,
    name_attack,
    read_correlation,
    read_points,
    show_rates,
)


@pytest.mark.parametrize("attack", list(Attack))
def test_every_attack_has_words(attack: Attack) -> None:
    assert attack.value in ATTACK_TEXT


def test_an_attack_of_a_later_version_is_called_by_its_name() -> None:
    assert name_attack("two_tailed_guess") == "two tailed guess"


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_words(verdict: Verdict) -> None:
    assert VERDICT_TEXT[verdict]


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (((0.5, np.inf),), "above 0.50"),
        (((-np.inf, -0.25),), "below −0.25"),
        (((0.5, 1.5),), "between 0.50 and 1.50"),
        (((-np.inf, 0.5), (1.5, np.inf)), "below 0.50 or above 1.50"),
        (((-np.inf, np.inf),), "anything"),
        (((0.5, 1e17),), "above 0.50"),
    ],
)
def test_a_region_is_said_in_words(parts: tuple[Part, ...], words: str) -> None:
    example = make_example(region=Region(Attack.interval, Side.retrained, parts, 0.25, 0.125))
    assert describe_region(example) == (
        f"Says “retrained” where the confidence is {words}: so for 88 % of the retrained models and, wrongly, "
        "for 25 % of the unlearned ones."
    )
    assert show_rates(example.region) == "FPR 0.250, FNR 0.125"


def test_a_well_forgotten_example_says_that_the_shade_is_chance() -> None:
    assert describe_region(make_example(epsilon=0.0)).endswith("it gains nothing.")


def test_an_attack_without_region_says_nothing_more() -> None:
    region = Region(Attack.logistic_regression, None, (), None, None)
    assert describe_region(make_example(region=region)) == ""
    assert show_rates(region) == "–"


def test_the_largest_loss_is_named() -> None:
    assert read_points(make_record()) == (
        "Of one full point for every example, 0.375 was lost; most of it, 0.250, by the 10 of 40 examples with an "
        "epsilon of 1.5 and more."
    )


def test_nothing_lost_is_said() -> None:
    body = make_body()
    body["epsilon"]["counts"] = [40, 0, 0, 0]
    assert read_points(parse_scorecard(body)).startswith("Nothing was lost")


@pytest.mark.parametrize(
    ("correlation", "start"),
    [
        (None, "All epsilons"),
        (0.1, "How difficult an example is says little"),
        (-0.3, "Difficult examples are somewhat worse forgotten (rank correlation −0.30)"),
        (-0.8, "Difficult examples are clearly worse forgotten"),
        (0.6, "Easy examples are clearly worse forgotten"),
    ],
)
def test_a_correlation_is_read_out(correlation: float | None, start: str) -> None:
    assert read_correlation(correlation).startswith(start)
