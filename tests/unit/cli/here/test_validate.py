import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [
        {"cell_type": "code", "source": "import torch\n", "metadata": {}, "outputs": [], "execution_count": None},
        {"cell_type": "code", "source": "!pip install x\n", "metadata": {}, "outputs": [], "execution_count": None},
        {
            "cell_type": "code",
            "source": "def unlearning(net, retain_loader, forget_loader, val_loader):\n    return net\n",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        },
    ],
}


def test_a_good_file_is_ok(run: Run, good: Path) -> None:
    result = run("validate", good)
    assert result.exit_code == 0
    assert "ok: unlearning() is there" in result.stdout


def test_of_a_notebook_it_is_said_what_is_kept_and_what_is_left_out(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "book.ipynb"
    path.write_text(json.dumps(NOTEBOOK))
    result = run("validate", path)
    assert result.exit_code == 0
    kept, left_out = result.stdout.index("kept ("), result.stdout.index("left out (")
    assert kept < result.stdout.index("def unlearning") < left_out
    assert left_out < result.stdout.index("pip install")


def test_json_tells_the_same(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "book.ipynb"
    path.write_text(json.dumps(NOTEBOOK))
    told = json.loads(run("validate", path, "--json").stdout)
    assert told["ok"]
    assert told["origin"] == "notebook"
    assert any("pip install" in note["source"] for note in told["left_out"])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("def unlearning(:\n", "SYNTAX_ERROR"),
        ("x = 1\n", "ENTRYPOINT_MISSING"),
        ("def unlearning(net):\n    return net\n", "SIGNATURE_MISMATCH"),
        ("", "ENTRYPOINT_MISSING"),
    ],
)
def test_a_bad_file_is_rejected_with_a_line_and_a_hint(run: Run, tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "bad.py"
    path.write_text(text)
    result = run("validate", path)
    assert result.exit_code == 2
    assert result.stdout == ""
    error, hint = result.stderr.strip().splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    told = run("validate", path, "--json")
    assert told.exit_code == 2
    assert json.loads(told.stdout)["code"] == code


def test_a_file_that_is_too_large_is_rejected(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LACUNA_UPLOAD_BYTES", "2048")
    path = tmp_path / "large.py"
    path.write_text("#" * 5000)
    result = run("validate", path)
    assert result.exit_code == 2
    assert "5000 bytes" in result.stderr


@pytest.mark.parametrize(("name", "message"), [("nothing.py", "no such file"), (".", "is a folder")])
def test_a_path_that_cannot_be_read_is_one_line(run: Run, name: str, message: str) -> None:
    result = run("validate", name)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_what_looks_like_markup_in_a_name_is_printed_as_it_is(run: Run, tmp_path: Path, good: Path) -> None:
    path = good.rename(tmp_path / "[bold]x.py")
    assert "[bold]x.py" in run("validate", path).stdout


def test_the_folder_of_a_starter_stands_for_the_file_in_it(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path / "mine")
    assert "submission.py: a Python file" in run("validate", tmp_path / "mine").stdout
    run("init", tmp_path / "mine", "--notebook")  # now it could be either
    assert "is a folder" in run("validate", tmp_path / "mine").stderr
