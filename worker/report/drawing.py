"""What is drawn of a finished score: two pictures, and the single examples that a report may show."""

from dataclasses import dataclass
from typing import Any

from evaluator import METRIC_VERSION
from worker.problems import LoadedProblem
from worker.report.examples import ExampleDetail, describe_examples
from worker.report.kept_examples import list_examples
from worker.report.plots import plot_steps
from worker.report.pool_plots import plot_pool_grid
from worker.scorecard.card import FinishedScore
from worker.scorecard.scored import make_scoring_spec


@dataclass(frozen=True, slots=True)
class Drawings:
    epsilon_svg: str
    confidence_svg: str
    detail: ExampleDetail | None  # of single forget examples; none on hidden problems
    examples: list[dict[str, Any]]  # the same for the page of a submission


def draw_score(problem: LoadedProblem, score: FinishedScore) -> Drawings:
    """Both pictures are for whoever may see single examples; the detail is there for everybody or for nobody."""
    options = make_scoring_spec(problem.spec.evaluation, METRIC_VERSION).epsilon
    of_examples = score.of_pictures or score.record
    detail = describe_examples(problem, of_examples, score.unlearned, score.retrained, options=options)
    return Drawings(
        epsilon_svg=str(plot_steps(score.record)),
        confidence_svg=str(plot_pool_grid(detail.shown)),
        detail=detail if problem.spec.exposure.is_open else None,
        examples=list_examples(detail) if problem.spec.exposure.is_open else [],
    )
