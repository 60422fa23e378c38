"""Which problems bring the folder that notebooks of 2023 read: sandbox/hosted_input.py makes it."""

from worker.problems import LoadedProblem

MOST_IMAGES = 8_000  # files of one replica; half of those that a box may have
CHANNELS, WHITE = 3, 255


def gives_input(problem: LoadedProblem, weights_bytes: int) -> bool:
    """Only what a replica is given anyway, on open data in the shape of 2023, and within half of its scratch space."""
    spec, splits = problem.spec, problem.splits
    low, high = float(splits.retain.x.min()), float(splits.retain.x.max())
    return (
        bool(spec.given.has_input)
        and len(problem.input_shape) == 3
        and problem.input_shape[0] == CHANNELS
        and low >= 0
        and 1 < high <= WHITE
        and len(splits.retain) + len(splits.forget) + len(splits.validation) <= MOST_IMAGES
        and 2 * weights_bytes <= spec.evaluation.scratch_bytes
    )
