"""What a node sends as outputs: nothing but plain arrays of the right models and splits gets through."""

import io
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest

from core.domain.errors import PlatformFault
from worker.replicas.outputs import RELEARN_STEPS, ModelOutputs, save_npz
from worker.shards.results import read_outputs

MODELS, EXAMPLES, CLASSES, PROBED = 3, 5, 4, 6


def make_outputs(models: int = MODELS, examples: int = EXAMPLES) -> ModelOutputs:
    shares, losses = np.full(models, 0.5), np.zeros((models, RELEARN_STEPS + 1), dtype=np.float32)
    probes = np.zeros((models, PROBED), dtype=np.float32)
    logits = np.zeros((models, examples, CLASSES), dtype=np.float32)
    return ModelOutputs(
        logits, shares, shares, shares, probes, probes, probes, probes, np.zeros(models), losses, losses
    )


def pack(arrays: dict[str, bytes], *, compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in arrays.items():
            archive.writestr(name, data)
    return stream.getvalue()


def unpack(outputs: ModelOutputs) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(save_npz(outputs))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def dump(array: np.ndarray, **how: bool) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, **how)
    return stream.getvalue()


def widen(data: bytes) -> bytes:
    """A header that says more than follows."""
    return data.replace(b"(3, 5, 4), }", b"(9, 5, 4), }")


def test_outputs_of_the_asked_models_are_read() -> None:
    outputs = read_outputs(save_npz(make_outputs()), make_outputs(1), most=MODELS)
    assert all((getattr(outputs, each.name) == getattr(make_outputs(), each.name)).all() for each in fields(outputs))


LOGITS = unpack(make_outputs())["forget_logits.npy"]
HOSTILE = {
    "no archive": b"nothing of the kind",
    "empty": b"",
    "packed": pack(unpack(make_outputs()), compression=zipfile.ZIP_DEFLATED),
    "one array more": pack({**unpack(make_outputs()), "more.npy": dump(np.zeros(3))}),
    "one array less": pack(dict(list(unpack(make_outputs()).items())[1:])),
    "a path": pack({**unpack(make_outputs()), "../x.npy": dump(np.zeros(3))}),
    "objects": pack({**unpack(make_outputs()), "test_accuracy.npy": dump(np.array([{}] * 3), allow_pickle=True)}),
    "less than it says": pack({**unpack(make_outputs()), "forget_logits.npy": widen(LOGITS)}),
    "other bytes": pack({**unpack(make_outputs()), "test_accuracy.npy": dump(np.zeros(3, dtype=">f8"))}),
    "an accuracy of two": pack({**unpack(make_outputs()), "test_accuracy.npy": dump(np.full(3, 2.0))}),
    "too many models": save_npz(make_outputs(MODELS + 1)),
    "other splits": save_npz(make_outputs(examples=EXAMPLES + 1)),
    "infinite logits": save_npz(replace(make_outputs(), forget_logits=np.full((3, 5, 4), np.inf, dtype=np.float32))),
    "no numbers": save_npz(replace(make_outputs(), test_entropy=np.full((3, PROBED), np.nan, dtype=np.float32))),
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_whatever_else_is_the_nodes_fault(name: str) -> None:
    with pytest.raises(PlatformFault):
        read_outputs(HOSTILE[name], make_outputs(1), most=MODELS)
