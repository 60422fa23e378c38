from dataclasses import replace

import pytest

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.given import ANY_PROBLEM, Given, check_given, read_given
from core.domain.intake.hosted import wants_input
from core.domain.intake.reading import read_submission
from core.domain.intake.report import SubmissionFiles

HEAD = "import json, os, torch\nimport pandas as pd\nfrom contextlib import suppress\n"
ENTRY = "def unlearning(net, retain, forget, val):\n"
CONTEST = "/kaggle/input/neurips-2023-machine-unlearning"
HIDDEN, OPEN = Given(has_input=False), Given(has_input=True)


def read(*body: str, above: str = "") -> SubmissionFiles:
    return read_submission("a.py", (HEAD + above + ENTRY + "".join(f"    {line}\n" for line in body)).encode())


@pytest.mark.parametrize(
    "body",
    [
        [f"df = pd.read_csv('{CONTEST}/retain.csv')"],
        [f"with open('{CONTEST}/age_class_weights.json') as f:", "    w = json.load(f)"],
        ["net.load_state_dict(torch.load('../input/neurips-2023-machine-unlearning/original_model.pth'))"],
        [f"df = pd.read_csv(f'{CONTEST}/{{net.split}}.csv')"],
        [f"for name in os.listdir('{CONTEST}'):", "    pass"],
        ["with torch.no_grad():", f"    w = torch.load('{CONTEST}/original_model.pth')"],
    ],
)
def test_a_read_that_always_happens_is_refused_where_the_folder_is_not(body: list[str]) -> None:
    found = read(*body)
    with pytest.raises(ParticipantFault, match="folder that is not there") as caught:
        check_given(found, HIDDEN)
    assert caught.value.code is FaultCode.FILE_MISSING
    assert check_given(found, OPEN).warnings == found.warnings


@pytest.mark.parametrize(
    "body",
    [
        [f"if os.path.exists('{CONTEST}'):", f"    df = pd.read_csv('{CONTEST}/retain.csv')"],
        ["try:", f"    df = pd.read_csv('{CONTEST}/retain.csv')", "except OSError:", "    df = None"],
        ["with suppress(OSError):", f"    df = pd.read_csv('{CONTEST}/retain.csv')"],
        ["if len(retain) > 3:", "    return net", f"df = pd.read_csv('{CONTEST}/retain.csv')"],
        [f"df = pd.read_csv('{CONTEST}/retain.csv') if os.path.exists('{CONTEST}') else None"],
        [f"import glob; names = glob.glob('{CONTEST}/*')"],
        [f"load = lambda: pd.read_csv('{CONTEST}/retain.csv')"],
    ],
)
def test_a_read_that_may_not_happen_is_only_told(body: list[str]) -> None:
    found = check_given(read(*body), HIDDEN)
    assert "only if that line is reached" in found.warnings[-1]
    assert check_given(found, OPEN) is found


def test_a_read_in_a_helper_or_by_a_constant_is_told() -> None:
    above = f"ROOT = '{CONTEST}'\ndef load():\n    return pd.read_csv(ROOT + '/retain.csv')\n"
    assert (
        "`'/kaggle/input/neurips-2023-machine-unlearning'`"
        in check_given(read("load()", above=above), HIDDEN).warnings[-1]
    )


def test_where_no_problem_is_known_it_is_told_and_never_refused() -> None:
    found = check_given(read(f"df = pd.read_csv('{CONTEST}/retain.csv')"), ANY_PROBLEM)
    assert "digits-2023" in found.warnings[-1]


def test_a_word_about_the_folder_is_no_read_of_it() -> None:
    found = read('"""As /kaggle/input had it."""', "# /kaggle/input/x", "return net")
    assert check_given(found, HIDDEN) is found
    assert wants_input(found.files)
    assert not wants_input({"submission.py": b"import torch\n"})


def test_a_card_tells_what_its_problem_gives() -> None:
    card = {"exposure": "practice", "evaluation": {"batch_format": "mapping", "data_bytes": 2048}}
    assert read_given(card) == Given(2048, "mapping", has_input=True)
    assert read_given(card | {"exposure": "private"}).has_input is False
    assert read_given({}) == ANY_PROBLEM


def test_all_that_a_problem_gives_is_held_against_a_file() -> None:
    found = read_submission("a.py", b"def unlearning(net, r, f, v):\n    for b in r:\n        b['image']\n")
    assert "batches" in check_given(found, replace(ANY_PROBLEM, batch_form="pair")).warnings[-1]
    with pytest.raises(ParticipantFault, match="bytes of data"):
        check_given(found, replace(ANY_PROBLEM, data_bytes=1))
