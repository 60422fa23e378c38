import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.reading import read_submission
from core.domain.intake.report import ENTRY_FILE, Origin, SubmissionFiles

FIXTURES = Path(__file__).resolve().parents[4] / "fixtures" / "submissions" / "notebooks"
ENTRY = "def unlearning(net, r, f, v):\n    return {body}\n"


def make_notebook(*cells: str, **changes: Any) -> bytes:
    listed = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": cell} for cell in cells]
    return json.dumps({"cells": listed, "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | changes).encode()


def read(*cells: str) -> SubmissionFiles:
    return read_submission("mine.ipynb", make_notebook(*cells))


def get_source(files: SubmissionFiles) -> str:
    return files.files[ENTRY_FILE].decode()


def refuse(content: bytes, name: str = "mine.ipynb") -> ParticipantFault:
    with pytest.raises(ParticipantFault) as caught:
        read_submission(name, content)
    assert "\n" not in caught.value.message
    return caught.value


def test_imports_functions_classes_and_constants_are_kept_and_work_is_left_out() -> None:
    files = read_submission("k.ipynb", (FIXTURES / "kaggle_finetune.ipynb").read_bytes())
    source = get_source(files)
    assert files.origin is Origin.NOTEBOOK
    assert all(
        part in source for part in ("import torch.nn as nn", "class HiddenDataset", "LR = 1e-3", "def get_dataset")
    )
    assert not any(
        part in source for part in ("range(512)", "raise RuntimeError", "manual_seed(SEED)", "subprocess.run")
    )


def test_every_line_left_out_is_named_with_its_place_and_reason() -> None:
    files = read_submission("k.ipynb", (FIXTURES / "kaggle_finetune.ipynb").read_bytes())
    notes = {note.where: note for note in files.left_out}
    assert notes["code cell 1, line 2"].reason == "a shell or notebook command"
    assert notes["code cell 2, line 3"].reason == "raises"
    assert notes["code cell 5, line 12"].source == "for i in range(512): …"
    assert "calls get_dataset" in notes["code cell 5, line 8"].reason


def test_names_that_cannot_be_had_are_all_named() -> None:
    fault = refuse((FIXTURES / "class_weights_from_file.ipynb").read_bytes(), "weights.ipynb")
    assert fault.code is FaultCode.NOTEBOOK_INVALID
    assert "class_weights (needed by loss_function, set at code cell 2, line 1, which reads or writes" in fault.message
    assert "teacher (needed by unlearning, set at code cell 2, line 4" in fault.message
    assert "finish (needed by unlearning, defined nowhere)" in fault.message


def test_a_chain_of_constants_is_followed() -> None:
    source = get_source(read("a = 2\nb = [a] * 3\nunused = sum(b)", "g = lambda: b\n" + ENTRY.format(body="g()")))
    assert "b = [a] * 3" in source
    assert "unused" not in source


def test_changes_in_place_to_needed_values_come_along() -> None:
    source = get_source(
        read(
            "d = {}\nd['k'] = 1\nfor i in range(3):\n    d[i] = i\nother = []\nother.append(1)", ENTRY.format(body="d")
        )
    )
    assert "d['k'] = 1" in source
    assert "d[i] = i" in source
    assert "append" not in source


@pytest.mark.parametrize(
    "line",
    ["!pip install x", "%matplotlib inline", "  !ls 'it", "torch.load?", "?torch", "x = !ls /", "%cd /tmp", "!echo ("],
)
def test_shell_and_magic_lines_are_left_out(line: str) -> None:
    files = read(f"import torch\n{line}\n", ENTRY.format(body="net"))
    assert [note.where for note in files.left_out] == ["code cell 1, line 2"]
    assert "import torch" in get_source(files)


def test_signs_of_magic_inside_python_are_not_touched() -> None:
    cell = "A = (7\n % 4)\nTEXT = '''\n!not a command\n%nor this\n'''\n!but this\n"
    source = get_source(read(cell, ENTRY.format(body="net or (A, TEXT)")))
    assert " % 4)" in source
    assert "!not a command\n%nor this\n" in source
    assert "but this" not in source


def test_a_continued_shell_line_goes_as_a_whole() -> None:
    assert "numpy" not in get_source(read("!pip install \\\n  numpy\nX = 1\n", ENTRY.format(body="X")))


def test_a_shell_line_inside_a_function_becomes_nothing() -> None:
    source = get_source(read("def unlearning(net, r, f, v):\n    if net:\n        !nvidia-smi\n    return net\n"))
    assert "        pass\n    return net" in source


@pytest.mark.parametrize("magic", ["%%time", "%%capture out", "%%timeit -n 1"])
def test_cells_timed_by_a_magic_are_python(magic: str) -> None:
    assert "X = 1" in get_source(read(f"{magic}\nX = 1", ENTRY.format(body="X")))


@pytest.mark.parametrize("magic", ["%%bash", "%%html", "%%javascript", "%%"])
def test_cells_for_other_programs_are_left_out(magic: str) -> None:
    files = read(f"{magic}\nzip -r x.zip .", ENTRY.format(body="net"))
    assert files.left_out[0].where == "code cell 1"


def test_a_cell_that_writes_the_submission_is_the_submission() -> None:
    files = read_submission("w.ipynb", (FIXTURES / "writes_its_submission.ipynb").read_bytes())
    assert set(files.files) == {ENTRY_FILE, "helpers.py"}
    assert get_source(files).endswith("    return net\n")


def test_a_scratch_cell_that_is_not_python_is_left_out() -> None:
    files = read("for i in\n", ENTRY.format(body="net"))
    assert files.left_out[0].reason.startswith("not Python: code cell 1, line 1")


def test_a_syntax_error_in_the_cell_of_the_function_names_cell_and_line() -> None:
    fault = refuse(make_notebook("x = 1", "def unlearning(net, r, f, v):\n    return (net\n"))
    assert fault.code is FaultCode.SYNTAX_ERROR
    assert fault.message.startswith("code cell 2, line 2")


def test_functions_under_a_main_guard_count() -> None:
    body = "    def unlearning(net, r, f, v):\n        return net\n    unlearning(1, 2, 3, 4)\n"
    source = get_source(read(f'if __name__ == "__main__":\n{body}'))
    assert source.endswith("def unlearning(net, r, f, v):\n    return net\n\n")


def test_branches_are_kept_without_what_must_not_run() -> None:
    cell = "test = False\nif test:\n    N = 1\n    print(N)\nelse:\n    N = 512\n    open('x')\n"
    source = get_source(read(cell, ENTRY.format(body="N")))
    assert "if test:\n    N = 1\nelse:\n    N = 512\n" in source


def test_a_read_with_a_fallback_may_stay() -> None:
    cell = "try:\n    W = open('w.txt').read()\nexcept OSError:\n    W = None\n"
    assert "except OSError" in get_source(read(cell, ENTRY.format(body="W")))


def test_a_value_that_a_later_load_replaces_is_missing() -> None:
    fault = refuse(make_notebook("import json\nW = None\nW = json.load(open('w.json'))", ENTRY.format(body="W")))
    assert "W (needed by unlearning, set at code cell 1, line 3" in fault.message


def test_names_from_a_star_import_are_believed() -> None:
    assert "from torch.nn import *" in get_source(read("from torch.nn import *", ENTRY.format(body="Linear")))


def test_a_package_that_only_left_out_code_uses_is_not_imported() -> None:
    files = read("import wandb, os\nimport seaborn\nwandb.init()", ENTRY.format(body="os"))
    assert "seaborn" not in get_source(files)
    assert "import wandb" in files.left_out[0].source


def test_annotations_need_no_names() -> None:
    assert "def unlearning" in get_source(
        read("def unlearning(net: Net, r: Loader, f: 'X', v) -> Net:\n    return net\n")
    )


def test_cuda_is_answered_by_the_platform_and_reported() -> None:
    files = read(
        "DEVICE = 'cuda'", "def unlearning(net, r, f, v):\n    return net.to(DEVICE).cuda(non_blocking=True)\n"
    )
    source = get_source(files)
    assert "DEVICE = LACUNA_DEVICE" in source
    assert "net.to(DEVICE).to(LACUNA_DEVICE, non_blocking=True)" in source
    assert [note.where for note in files.changed] == ["code cell 1, line 1", "code cell 2, line 2"]


@pytest.mark.parametrize(
    "line", ["D = 'cuda' if torch.cuda.is_available() else 'cpu'", "D = str(X) == 'cuda'", "D = f'{X}cuda'"]
)
def test_a_cuda_that_is_only_looked_at_stays(line: str) -> None:
    files = read(f"import torch\nX = 1\n{line}", ENTRY.format(body="D"))
    assert line in get_source(files)
    assert files.changed == ()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "is not a notebook"),
        (b"[1]", "JSON, but not a notebook"),
        (b'{"cells": 3}', "no list of cells"),
        (b'{"cells": []}', "no code cell"),
        (b'{"cells": [{"cell_type": "code", "source": {"a": 1}}]}', "source of code cell 1 is not text"),
        (b"[" * 100_000, "not a readable notebook"),
        (make_notebook("x", metadata={"kernelspec": {"language": "R"}}), "a notebook for R"),
        (make_notebook("x", metadata={"language_info": {"name": "julia"}}), "a notebook for julia"),
    ],
)
def test_what_is_no_python_notebook_is_refused(content: bytes, words: str) -> None:
    fault = refuse(content)
    assert (fault.code, words in fault.message) == (FaultCode.NOTEBOOK_INVALID, True), fault.message


def test_a_notebook_without_the_function_is_told_so() -> None:
    fault = refuse(make_notebook("def forget(net, retain_loader, forget_loader, val_loader):\n    return net\n"))
    assert fault.code is FaultCode.ENTRYPOINT_MISSING
    assert "is forget (line 1) the one" in fault.message


def test_an_old_notebook_with_worksheets_is_read() -> None:
    cells = [{"cell_type": "code", "input": ["X = 1\n", ENTRY.format(body="X")], "language": "python"}]
    content = json.dumps({"nbformat": 3, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]}).encode()
    assert "X = 1" in get_source(read_submission("old.ipynb", content))


def test_huge_outputs_do_not_matter_below_the_limit_and_are_named_above_it() -> None:
    content = json.loads(make_notebook(ENTRY.format(body="net")))
    content["cells"][0]["outputs"] = [{"data": {"image/png": "A" * (3 << 20)}}]
    assert read_submission("mine.ipynb", json.dumps(content).encode()).files
    content["cells"][0]["outputs"] *= 2
    fault = refuse(json.dumps(content).encode())
    assert (fault.code, "clear the outputs" in fault.message) == (FaultCode.TOO_LARGE, True)


def test_a_notebook_under_a_python_name_is_recognised() -> None:
    files = read_submission("mine.py", make_notebook(ENTRY.format(body="net")))
    assert files.origin is Origin.NOTEBOOK
    assert "suffix should be .ipynb" in files.warnings[-1]


def test_a_script_written_like_a_notebook_is_converted() -> None:
    files = read_submission("exported_script.py", (FIXTURES / "exported_script.py").read_bytes())
    assert files.origin is Origin.SCRIPT
    assert any(note.where == "line 20" and note.reason == "raises" for note in files.left_out)


@pytest.mark.parametrize(
    "work",
    [
        "!zip x.zip y\n",
        "import os\nos.system('zip x y')\n",
        "for i in range(512):\n    unlearning(i, i, i, i)\n",
        "import pandas as pd\ndf = pd.read_csv('/kaggle/input/x.csv')\n",
        "import torch\nif not torch.cuda.is_available():\n    raise RuntimeError('no')\n",
        "get_ipython().run_line_magic('time', '')\n",
    ],
)
def test_work_of_a_driver_makes_a_file_a_script(work: str) -> None:
    files = read_submission("mine.py", (ENTRY.format(body="net") + work).encode())
    assert files.origin is Origin.SCRIPT
    assert files.left_out


def test_cell_marks_alone_change_nothing() -> None:
    content = f"# %%\nimport torch\n# %%\n{ENTRY.format(body='net')}".encode()
    files = read_submission("mine.py", content)
    assert (files.origin, files.files[ENTRY_FILE]) == (Origin.FILE, content)


def test_a_plain_file_with_an_assert_still_reads_its_own_data() -> None:
    content = f"import json\nassert json\nW = json.load(open('w.json'))\n{ENTRY.format(body='W')}".encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(ENTRY_FILE, content)
        archive.writestr("w.json", "{}")
    files = read_submission("mine.zip", packed.getvalue())
    assert (files.origin, files.files[ENTRY_FILE]) == (Origin.ARCHIVE, content)
    assert "all of it runs" in files.warnings[0]
    assert refuse(content, name="mine.py").code is FaultCode.NOTEBOOK_INVALID  # alone it has no such file


def test_more_statements_than_any_notebook_has_are_refused() -> None:
    assert refuse(make_notebook("x = 1\n" * 3000, ENTRY.format(body="x"))).code is FaultCode.TOO_LARGE


def test_a_chain_of_calls_too_long_to_follow_is_refused() -> None:
    chain = "".join(f"def g{i}():\n    return g{i + 1}()\n" for i in range(900)) + "y = g0()\n"
    assert "too deeply" in refuse(make_notebook(chain, ENTRY.format(body="y"))).message
