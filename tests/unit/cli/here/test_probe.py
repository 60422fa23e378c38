import contextlib
import io
from typing import Any

import pytest

from cli.here.probe import MARK, add_probe, read_probe, remove_probe, remove_probe_frame


class Tensor:
    def __init__(self, dtype: str, shape: tuple[int, ...] = (2,)) -> None:
        self.dtype = f"torch.{dtype}"
        self.shape = shape


class Net:
    training = True

    def __init__(self, dtype: str = "float32") -> None:
        self.tensors = {"weight": Tensor(dtype)}

    def state_dict(self) -> dict[str, Tensor]:
        return self.tensors


def call(source: str, **options: Any) -> tuple[str, Any]:
    """Run a probed submission; return what it printed and returned."""
    files = add_probe({"submission.py": source.encode(), "other.py": b""})
    assert files["other.py"] == b""
    module: dict[str, Any] = {"Net": Net}
    exec(compile(files["submission.py"], "submission.py", "exec"), module)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        returned = module["unlearning"](Net(), None, None, None, **options)
    return printed.getvalue(), returned


def test_a_function_that_returns_nothing_is_seen_and_returns_nothing() -> None:
    log, returned = call("def unlearning(net, r, f, v):\n    pass")
    report = read_probe(log)
    assert returned is None
    assert report is not None
    assert (report.returned, report.training, report.dtypes, report.same_schema) == (
        "nothing",
        True,
        ("float32",),
        True,
    )


def test_half_precision_in_another_object_is_seen() -> None:
    log, returned = call("def unlearning(net, r, f, v):\n    return Net('float16')")
    report = read_probe(log)
    assert isinstance(returned, Net)
    assert report is not None
    assert (report.returned, report.dtypes) == ("another object", ("float16",))


def test_another_schema_is_seen() -> None:
    log, _ = call("def unlearning(net, r, f, v):\n    net.tensors['more'] = net.tensors['weight']")
    report = read_probe(log)
    assert report is not None
    assert not report.same_schema


def test_junk_is_left_for_the_platform_to_judge() -> None:
    log, returned = call("def unlearning(net, r, f, v):\n    return 7")
    assert returned == 7
    assert read_probe(log) is None


def test_parameters_asked_for_by_name_still_arrive() -> None:
    _, returned = call("def unlearning(net, r, f, v, seed):\n    return seed", seed=5)
    assert returned == 5


def test_an_exception_keeps_its_line() -> None:
    with pytest.raises(ValueError, match="here") as caught:
        call("def unlearning(net, r, f, v):\n    raise ValueError('here')")
    assert caught.traceback[-1].lineno == 1  # counted from 0


def test_the_probes_frame_is_taken_out_of_a_traceback() -> None:
    frames = [
        "Traceback (most recent call last):",
        '  File "submission.py", line 15, in probed',
        "    returned = function(net, *loaders, **options)",
        "               ^^^^^^^^",
        '  File "submission.py", line 2, in unlearning',
        "    raise KeyError(1)",
        "KeyError: 1",
    ]
    assert remove_probe_frame("\n".join(frames)) == "\n".join(frames[:1] + frames[4:])


def test_the_log_is_shown_without_the_probes_line() -> None:
    assert remove_probe(f"epoch 1\n{MARK}{{}}\n") == "epoch 1"


@pytest.mark.parametrize("said", ["", "{", "[]", '{"returned": "x"}'])
def test_a_cut_off_report_is_none(said: str) -> None:
    assert read_probe(f"{MARK}{said}") is None
