"""Single forget examples as the page of a submission shows them: the worst, the best and some between them."""

from typing import Any

from worker.report.examples import ExampleDetail, ShownExample
from worker.report.words import describe_region, name_attack

DIGITS = 3  # of a confidence: finer than anybody can point at


def list_examples(detail: ExampleDetail) -> list[dict[str, Any]]:
    """From the worst to the best; raw confidences, from which a page draws both histograms for any threshold."""
    return [_describe(each) for each in sorted(detail.everything, key=lambda each: each.rank)]


def _describe(example: ShownExample) -> dict[str, Any]:
    return {
        "rank": example.rank,
        "example_id": example.example_id,
        "label": example.label,
        "clean_label": example.clean_label,
        "image": example.image,
        "epsilon": round(example.epsilon, DIGITS),
        "attack": name_attack(example.region.attack),
        "words": describe_region(example),
        "unlearned": [round(float(value), DIGITS) for value in example.unlearned],
        "retrained": [round(float(value), DIGITS) for value in example.retrained],
    }
