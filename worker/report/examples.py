"""The single forget examples that a report shows: the worst and the best forgotten, and how each was attacked."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.domain.chosen_examples import BEST, WORST, choose_ranks
from core.scorecard import ScorecardRecord
from evaluator import Attack, EpsilonOptions, ScoringProtocol
from evaluator.explain import Region, explain_example
from sandbox.kinds.parts import Picture, Words
from worker.problems import LoadedProblem
from worker.report.images import make_image


@dataclass(frozen=True, slots=True)
class ShownExample:
    """One forget example; ranks count from 1, the worst forgotten."""

    rank: int
    example_id: int  # its place in the data set
    label: str
    clean_label: str  # the same, unless label noise changed it
    image: str  # data: address, or empty
    text: str  # of an example that is read, or empty
    epsilon: float  # nats
    lower: float
    mu: float | None
    region: Region
    unlearned: npt.NDArray[np.float64]  # (R,) confidences
    retrained: npt.NDArray[np.float64]  # (R',)


@dataclass(frozen=True, slots=True)
class ExampleDetail:
    """What a report says of single forget examples."""

    hardest: tuple[ShownExample, ...]
    easiest: tuple[ShownExample, ...]
    between: tuple[ShownExample, ...]  # evenly, for the page of a submission
    epsilons: npt.NDArray[np.float64]  # (N,)
    difficulty: npt.NDArray[np.float64]  # (N,) mean confidence of the retrained models: low is difficult

    @property
    def shown(self) -> tuple[ShownExample, ...]:
        return self.hardest + self.easiest

    @property
    def everything(self) -> tuple[ShownExample, ...]:
        return self.hardest + self.between + self.easiest


def describe_examples(
    problem: LoadedProblem,
    record: ScorecardRecord,
    unlearned: npt.NDArray[np.float64],
    retrained: npt.NDArray[np.float64],
    *,
    options: EpsilonOptions,
) -> ExampleDetail:
    """Pick the worst and best forgotten of N examples from a whole scorecard and both (R, N) pools."""
    epsilons = np.asarray(record.epsilon.per_example, np.float64)
    order = np.argsort(-epsilons, kind="stable")
    hardest = min(WORST, len(order))
    easiest = min(BEST, len(order) - hardest)

    def describe(rank: int) -> ShownExample:
        return _describe_example(
            problem, record, (unlearned, retrained), int(order[rank]), rank=rank + 1, options=options
        )

    return ExampleDetail(
        hardest=tuple(describe(rank) for rank in range(hardest)),
        easiest=tuple(describe(rank) for rank in range(len(order) - easiest, len(order))),
        between=tuple(describe(rank) for rank in choose_ranks(len(order)) if hardest <= rank < len(order) - easiest),
        epsilons=epsilons,
        difficulty=np.asarray(retrained.mean(axis=0)),
    )


def _describe_example(
    problem: LoadedProblem,
    record: ScorecardRecord,
    pools: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
    column: int,
    *,
    rank: int,
    options: EpsilonOptions,
) -> ShownExample:
    forget, epsilon, kind = problem.splits.forget, record.epsilon, problem.kind
    if epsilon.per_example is None or epsilon.lower is None or epsilon.attack is None:
        raise ValueError("single examples are described from a whole scorecard")
    unlearned, retrained = (pool[:, column] for pool in pools)
    region = explain_example(
        unlearned,
        retrained,
        attack=Attack(epsilon.attack[column]),
        protocol=ScoringProtocol(record.protocol),
        alpha=options.alpha,
        delta=options.delta,
    )
    shown = kind.inputs.show(forget.x[column], problem.input_names)
    return ShownExample(
        rank=rank,
        example_id=int(forget.ids[column]),
        label=kind.targets.name(forget.y[column], problem.class_names),
        clean_label=kind.targets.name(problem.clean_forget_y[column], problem.class_names),
        image=make_image(shown) if isinstance(shown, Picture) else "",
        text=shown.text if isinstance(shown, Words) else "",
        epsilon=epsilon.per_example[column],
        lower=epsilon.lower[column],
        mu=None if epsilon.mu is None else epsilon.mu[column],
        region=region,
        unlearned=unlearned,
        retrained=retrained,
    )
