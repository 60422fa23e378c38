import numpy as np
import pytest

from core.domain.errors import PlatformFault
from worker.outputs import ModelOutputs, concat_outputs, load_npz, save_npz


def make_outputs(models: int = 2, examples: int = 3, classes: int = 4, *, start: float = 0.0) -> ModelOutputs:
    logits = np.arange(models * examples * classes, dtype=np.float32).reshape(models, examples, classes) + start
    share = np.linspace(0.1, 0.9, models)
    return ModelOutputs(
        forget_logits=logits.astype(np.float32), retain_accuracy=share, forget_accuracy=share, test_accuracy=share
    )


def test_outputs_survive_saving() -> None:
    outputs = make_outputs()
    loaded = load_npz(save_npz(outputs))
    np.testing.assert_array_equal(loaded.forget_logits, outputs.forget_logits)
    np.testing.assert_array_equal(loaded.test_accuracy, outputs.test_accuracy)


def test_the_same_outputs_give_the_same_bytes() -> None:
    assert save_npz(make_outputs()) == save_npz(make_outputs())


def test_outputs_join_along_the_models() -> None:
    joined = concat_outputs([make_outputs(2), make_outputs(3, start=100)])
    assert len(joined) == 5
    np.testing.assert_array_equal(joined.select(slice(2, 5)).forget_logits, make_outputs(3, start=100).forget_logits)


def test_outputs_of_different_forget_sets_do_not_join() -> None:
    with pytest.raises(ValueError, match="different forget sets"):
        concat_outputs([make_outputs(examples=3), make_outputs(examples=4)])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"forget_logits": np.zeros((2, 3, 4))}, "must be float32"),
        ({"forget_logits": np.zeros((2, 12), np.float32)}, "axes"),
        ({"retain_accuracy": np.zeros(3)}, "one value for each"),
        ({"test_accuracy": np.array([0.5, np.nan])}, "must lie in"),
        ({"forget_accuracy": np.array([0.5, 1.5])}, "must lie in"),
    ],
)
def test_malformed_outputs_are_refused(change: dict[str, np.ndarray], reason: str) -> None:
    good = make_outputs()
    fields = {name: getattr(good, name) for name in ModelOutputs.__dataclass_fields__}
    with pytest.raises(ValueError, match=reason):
        ModelOutputs(**(fields | change))


@pytest.mark.parametrize("data", [b"", b"junk", save_npz(make_outputs())[:-40]])
def test_what_cannot_be_read_is_a_fault_of_the_platform(data: bytes) -> None:
    with pytest.raises(PlatformFault, match="cannot be read"):
        load_npz(data)
