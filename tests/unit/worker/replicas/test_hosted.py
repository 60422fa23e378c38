from core.domain.exposure import Exposure
from core.problem_files import find_problem
from core.problem_parts import BatchFormat
from worker.problems import load_problem
from worker.replicas.hosted import gives_input

WEIGHTS = 45 << 20


def test_the_folder_of_2023_is_for_open_problems_of_that_shape_alone() -> None:
    spec = find_problem("digits-2023")
    pairs = spec.evaluation.model_copy(update={"batch_format": BatchFormat.PAIR})
    assert gives_input(load_problem(spec), WEIGHTS)
    assert not gives_input(load_problem(spec), spec.evaluation.scratch_bytes)
    for other in ({"exposure": Exposure.PUBLIC}, {"exposure": Exposure.PRIVATE}, {"evaluation": pairs}):
        assert not gives_input(load_problem(spec.model_copy(update=other)), WEIGHTS)


def test_scaled_or_flat_examples_are_not_of_that_shape() -> None:
    spec = find_problem("digits")
    mapping = spec.evaluation.model_copy(update={"batch_format": BatchFormat.MAPPING})
    assert spec.exposure is Exposure.PRACTICE
    assert not gives_input(load_problem(spec.model_copy(update={"evaluation": mapping})), WEIGHTS)
