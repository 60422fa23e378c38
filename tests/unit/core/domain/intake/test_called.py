"""What fails whenever the function is called is refused; whatever may not fail is not."""

import pytest

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.reading import read_submission

HEAD = "def unlearning(net, retain_loader, forget_loader, val_loader):\n"


def write(*body: str, above: str = "") -> bytes:
    return (above + HEAD + "".join(f"    {line}\n" for line in body)).encode()


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (write("np.zeros(1)"), FaultCode.CERTAIN_FAILURE, "np is used and defined nowhere: write `import numpy as np`"),
        (write("for x, y in retain_loader:", "    loss(x)"), FaultCode.CERTAIN_FAILURE, "loss is used"),
        (write("for i, (x, y) in enumerate(forget_loader):", "    loss(x)"), FaultCode.CERTAIN_FAILURE, "loss"),
        (write("for a, b in zip(retain_loader, forget_loader):", "    loss(a)"), FaultCode.CERTAIN_FAILURE, "loss"),
        (write("for e in range(EPOCHS):", "    loss(e)", above="EPOCHS = 2\n"), FaultCode.CERTAIN_FAILURE, "loss"),
        (write("rate = 0.1", "return net.step(rat)"), FaultCode.CERTAIN_FAILURE, "is rate meant?"),
        (
            write("train(val_loader)", above="def train(loader):\n    for x in loader:\n        loss(x)\n\n\n"),
            FaultCode.CERTAIN_FAILURE,
            "line 3: loss is used",
        ),
        (write("with open('x.txt') as f:", "    f.read()"), FaultCode.FILE_MISSING, "x.txt is read, and nothing"),
        (write("raise NotImplementedError"), FaultCode.CERTAIN_FAILURE, "line 2: the code ends here"),
        (write("exit()"), FaultCode.CERTAIN_FAILURE, "ends here"),
        (write("return net, 1"), FaultCode.CERTAIN_FAILURE, "`return (net, 1)` gives back neither"),
        (write("return 0.5"), FaultCode.CERTAIN_FAILURE, "write `return net`"),
        (write("requests.get('http://a')", above="import requests\n"), FaultCode.FILE_MISSING, "needs a network"),
    ],
)
def test_what_fails_every_time_is_refused(content: bytes, code: FaultCode, words: str) -> None:
    with pytest.raises(ParticipantFault) as caught:
        read_submission("mine.py", content)
    assert caught.value.code is code
    assert words in caught.value.message


@pytest.mark.parametrize(
    "content",
    [
        write("for e in range(EPOCHS):", "    loss(e)", above="EPOCHS = 0\n"),
        write("if net.training:", "    loss(net)"),
        write("try:", "    loss(net)", "except NameError:", "    pass"),
        write("return net if net.training else loss(net)"),
        write("return [loss(x) for x in ()] and net"),
        write("names = globals()", "loss(names)"),
        write("for x in made():", "    loss(x)", above="def made():\n    return []\n\n\n"),
        write("retain_loader = []", "for x in retain_loader:", "    loss(x)"),
        write("later = lambda: loss(net)"),
        write(
            "return __class__" if False else "return net",
            above="class A:\n    def f(self):\n        return __class__\n",
        ),
        write("x: Tensor = net", "return x"),
        write("run(net)", above="def run(net):\n    raise ValueError\n    yield net\n\n\n"),
        write("torch.save(net, 'x.txt')", "open('x.txt')", above="import torch\n"),
        write("open('log.txt', 'w').write('x')"),
        write("if len(forget_loader) == 0:", "    raise ValueError"),
        write(
            "match net:",
            "    case [first, *rest]:",
            "        print(first, rest)",
            "    case {'a': 1, **more}:",
            "        print(more)",
        ),
        write("def inner():", "    return net, 1", "inner()", "return net"),
        write("if net.training:", "    return net, 1", "return net"),
        write("return net", above="from math import *\n"),
        write(
            "with Skip():", "    raise ValueError", above="class Skip:\n    def __exit__(self, *a): return True\n\n\n"
        ),
        write("import os", "os.listdir('/proc')"),
    ],
)
def test_what_may_go_well_is_not(content: bytes) -> None:
    assert read_submission("mine.py", content).files


def test_a_name_that_may_never_be_reached_is_a_warning() -> None:
    read = read_submission("mine.py", write("if net.training:", "    loss(net)"))
    assert read.warnings == ("mine.py, line 3: loss is used and defined nowhere (only if that line is reached)",)
