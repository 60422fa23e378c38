import dataclasses
import io

import numpy as np
import pytest

from core.domain.errors import PlatformFault
from worker.replicas.outputs import PROBE, RELEARN_STEPS, ModelOutputs, concat_outputs, load_npz, save_npz


def make_outputs(models: int = 2, examples: int = 3, classes: int = 4, *, start: float = 0.0) -> ModelOutputs:
    logits = np.arange(models * examples * classes, dtype=np.float32).reshape(models, examples, classes) + start
    share = np.linspace(0.1, 0.9, models)
    probe = np.linspace(-1, 1, models * 5, dtype=np.float32).reshape(models, 5) + np.float32(start)
    return ModelOutputs(
        forget_logits=logits.astype(np.float32),
        retain_accuracy=share,
        forget_accuracy=share,
        test_accuracy=share,
        retain_confidence=probe,
        retain_entropy=np.abs(probe),
        test_confidence=probe[:, :2],
        test_entropy=np.abs(probe[:, :2]),
        weight_change=share,
        relearn_loss=np.full((models, RELEARN_STEPS + 1), -1.0, np.float32),
        relearn_retain_loss=np.full((models, RELEARN_STEPS + 1), -1.0, np.float32),
    )


def test_outputs_survive_saving() -> None:
    outputs = make_outputs()
    loaded = load_npz(save_npz(outputs))
    for name in ModelOutputs.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(outputs, name))
        assert getattr(loaded, name).dtype == getattr(outputs, name).dtype


def test_the_same_outputs_give_the_same_bytes() -> None:
    assert save_npz(make_outputs()) == save_npz(make_outputs())


def test_outputs_join_along_the_models() -> None:
    joined = concat_outputs([make_outputs(2), make_outputs(3, start=100)])
    assert len(joined) == 5
    np.testing.assert_array_equal(joined.select(slice(2, 5)).forget_logits, make_outputs(3, start=100).forget_logits)


def test_outputs_of_different_splits_do_not_join() -> None:
    shorter = dataclasses.replace(
        make_outputs(), retain_confidence=np.zeros((2, 4), np.float32), retain_entropy=np.zeros((2, 4), np.float32)
    )
    for other in (make_outputs(examples=4), shorter):
        with pytest.raises(ValueError, match="different splits"):
            concat_outputs([make_outputs(), other])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"forget_logits": np.zeros((2, 3, 4))}, "must be float32"),
        ({"forget_logits": np.zeros((2, 12), np.float32)}, "axes"),
        ({"retain_accuracy": np.zeros(3)}, "one value for each"),
        ({"test_accuracy": np.array([0.5, np.nan])}, "must lie in"),
        ({"forget_accuracy": np.array([0.5, 1.5])}, "must lie in"),
        ({"retain_confidence": np.zeros((2, 5))}, "must be float32"),
        ({"retain_confidence": np.zeros((3, 5), np.float32)}, "for each of 2 models"),
        ({"test_confidence": np.zeros((2, 0), np.float32)}, "1 to 4096 values"),
        ({"test_confidence": np.zeros((2, PROBE + 1), np.float32)}, "1 to 4096 values"),
        ({"retain_entropy": np.zeros((2, 4), np.float32)}, "the shape of retain_confidence"),
        ({"weight_change": np.array([0.0, np.inf])}, "finite and not negative"),
        ({"weight_change": np.array([0.0, -0.1])}, "finite and not negative"),
        ({"relearn_loss": np.zeros((2, 3), np.float32)}, "finite losses"),
        ({"relearn_loss": np.full((2, RELEARN_STEPS + 1), np.nan, np.float32)}, "finite losses"),
        ({"relearn_retain_loss": np.zeros((2, 3), np.float32)}, "relearn_retain_loss must hold"),
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


def test_outputs_of_an_older_version_say_what_they_lack() -> None:
    stream = io.BytesIO()
    old = {name: getattr(make_outputs(), name) for name in ("forget_logits", "retain_accuracy", "forget_accuracy")}
    np.savez(stream, **old, test_accuracy=np.zeros(2))
    with pytest.raises(PlatformFault, match="there is no retain_confidence: they are of an older version"):
        load_npz(stream.getvalue())
