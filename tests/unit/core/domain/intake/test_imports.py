"""What validate calls ok gets past import: one decoding, one parser, one resolution of imports."""

import io
import zipfile

import pytest

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.reading import read_submission
from core.domain.intake.report import ENTRY_FILE, SubmissionFiles

ENTRY = "def unlearning(net, retain_loader, forget_loader, val_loader):\n    return net\n"


def read(source: str | bytes, **beside: str) -> SubmissionFiles:
    content = source if isinstance(source, bytes) else source.encode()
    if not beside:
        return read_submission("mine.py", content)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(ENTRY_FILE, content)
        for name, text in beside.items():
            archive.writestr(
                name.replace("__", "/", 1) + ".py" if not name.endswith("_init") else "pkg/__init__.py", text
            )
    return read_submission("mine.zip", packed.getvalue())


def refuse(source: str | bytes, **beside: str) -> str:
    with pytest.raises(ParticipantFault) as caught:
        read(source, **beside)
    assert caught.value.code is FaultCode.IMPORT_MISSING, caught.value.message
    return caught.value.message


@pytest.mark.parametrize("codec", ["ascii", "latin-1", "euc-kr", "utf-7", "rot13", "no-such-codec"])
def test_utf_8_stays_what_it_is_whatever_the_file_declares(codec: str) -> None:
    files = read(f"# -*- coding: {codec} -*-\nNAME = 'Zürich'\n{ENTRY}".encode())
    text = files.files[ENTRY_FILE]
    namespace: dict[str, object] = {}
    exec(compile(text, ENTRY_FILE, "exec"), namespace)
    assert namespace["NAME"] == "Zürich"
    assert text.startswith(b"# -*- coding: utf-8 -*-\n")
    assert files.changed[0].source == f"# -*- coding: {codec} -*-"


def test_another_encoding_is_read_where_the_file_declares_it() -> None:
    files = read(f"#!/usr/bin/python\n# vim: set fileencoding=euc-kr :\nNAME = '잊기'\n{ENTRY}".encode("euc-kr"))
    assert "NAME = '잊기'" in files.files[ENTRY_FILE].decode()


def test_a_helper_is_decoded_as_the_entry_file_is() -> None:
    files = read(f"from tools import NAME\n{ENTRY}", tools="# coding: ascii\nNAME = 'é'\n")
    assert files.files["tools.py"] == "# coding: utf-8\nNAME = 'é'\n".encode()


def test_a_name_of_a_file_cannot_declare_an_encoding() -> None:
    source = f"# %%\nimport torch\n!ls\n{ENTRY}".encode()
    files = read_submission("coding:ascii é.py", source)
    compile(files.files[ENTRY_FILE], ENTRY_FILE, "exec")


def test_what_only_a_notebook_may_do_is_a_syntax_error_in_a_helper() -> None:
    with pytest.raises(ParticipantFault) as caught:
        read(f"from tools import a\n{ENTRY}", tools="import asyncio\na = await asyncio.sleep(0)\n")
    assert caught.value.code is FaultCode.SYNTAX_ERROR


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("import torchmetrics", "torchmetrics is not in the sandbox"),
        ("import torch.nope", "torch has no module torch.nope"),
        ("from torch._six import inf", "torch has no module torch._six"),
        ("from torch.nn import Linnear", "torch.nn has no Linnear"),
        ("from collections import Mapping", "Python's own collections has no Mapping"),
        ("import tkinter", "tkinter is not in the sandbox"),
        ("import torchvision.models.utils", "no module torchvision.models.utils"),
        ("class A:\n    import torchmetrics", "torchmetrics is not"),
        ("import torch\nwith torch.no_grad():\n    import torchmetrics", "torchmetrics is not"),
        ("import importlib\nimportlib.import_module('torchmetrics')", "torchmetrics is not"),
        ("def load():\n    import torchmetrics\nload()", "torchmetrics is not"),
        ("try:\n    import apex\nexcept ImportError:\n    import amp as apex", "amp is not"),
        ("FAST = True\nif FAST:\n    import torchmetrics", "torchmetrics is not"),
        ("import numpy as np\nKIND = np.float", "numpy has no float"),
        ("import time\nSTART = time.clock()", "Python's own time has no clock"),
        ("try:\n    import torchmetrics\nexcept ValueError:\n    pass", "torchmetrics is not"),
        ("from .helpers import f", "write `from helpers import f`, and upload a .zip with helpers.py"),
        ("x = undefined_name", "undefined_name is used and not defined"),
        ("def f(a: Tensor):\n    return a", "Tensor is used and not defined"),
        ("import submission.helpers", "submission is the entry file itself"),
    ],
)
def test_what_certainly_fails_on_import_is_refused(line: str, words: str) -> None:
    assert words in refuse(f"{line}\n{ENTRY}")


@pytest.mark.parametrize(
    "line",
    [
        "try:\n    import torchmetrics\nexcept ImportError:\n    torchmetrics = None",
        "try:\n    import torchmetrics\nexcept:\n    pass",
        "from contextlib import suppress\nwith suppress(ImportError):\n    import torchmetrics",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torchmetrics",
        "if False:\n    import torchmetrics",
        "if __name__ == '__main__':\n    import torchmetrics",
        "from __future__ import annotations\n\ndef f(a: Tensor):\n    return a",
        "import os.path, collections.abc, xml.etree.ElementTree as ET, torch.nn.functional as F, scipy.stats",
        "from torch.utils import data\nfrom sklearn import metrics\nfrom PIL import Image\nimport joblib",
        "from IPython.display import clear_output\nfrom tqdm.notebook import tqdm",
        "squares = [a * a for a in range(3)]\nlast = [b for b in squares if b][-1]",
        "exec('y = 1')\nz = y",
    ],
)
def test_what_may_work_is_let_through_without_a_word(line: str) -> None:
    assert read(f"{line}\n{ENTRY}").warnings == ()


def test_an_import_that_may_be_reached_is_a_warning() -> None:
    files = read(f"def later():\n    import torchmetrics\n\n{ENTRY}")
    assert "torchmetrics is not in the sandbox" in files.warnings[0]
    assert "line 2: torchmetrics" in refuse(ENTRY.replace("return", "import torchmetrics\n    return"))


def test_modules_of_ones_own_are_found_as_the_sandbox_finds_them() -> None:
    assert read(f"from tools import f\n{ENTRY}", tools="def f(): pass\n").warnings == ()
    assert read(f"from pkg.tools import f\n{ENTRY}", pkg__tools="from .more import f\n", pkg__more="f = 1\n").files
    assert "is helpers meant?" in refuse(f"import helprs\n{ENTRY}", helpers="")
    assert "tools.py has no steps; is step meant?" in refuse(f"from tools import steps\n{ENTRY}", tools="step = 1\n")
    assert "no module pkg.more" in refuse(f"import pkg.more\n{ENTRY}", pkg__tools="f = 1\n")
    assert "write `from tools import f`" in refuse(f"from .tools import f\n{ENTRY}", tools="f = 1\n")
    assert "more is not in" in refuse(f"import tools\n{ENTRY}", tools="import more\n")
    assert "is a file, not a package" in refuse(f"import tools.more\n{ENTRY}", tools="")


def test_a_helper_that_has_the_name_of_a_loaded_module_is_never_found() -> None:
    assert "rename yours" in refuse(f"from random import step\n{ENTRY}", random="def step(): pass\n")
    assert "types.py has the name of a module that is there already" in read(ENTRY, types="X = 1\n").warnings[0]


def test_a_search_path_that_the_code_changes_is_believed_if_the_module_came_along() -> None:
    source = f"import sys\nsys.path.append('src')\nimport tools\n{ENTRY}"
    assert read(source, src__tools="f = 1\n").files
    assert "tools is not in" in refuse(source)


@pytest.mark.parametrize(
    "place", ["HUGE = {n}\n", "def other():\n    return {n}\n", "for x, y in retain_loader[{n}]:\n    pass\n"]
)
def test_a_number_of_thousands_of_digits_is_read_like_any_other(place: str) -> None:
    source = f"retain_loader = {{}}\n{place.format(n='0x' + 'f' * 9000)}{ENTRY}"
    assert read(source).data_bytes > 4000
