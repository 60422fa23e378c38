"""No command ends in a traceback because of where it writes: old encodings, closed pipes, narrow terminals."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from cli.app import app
from cli.show.console import print_error, print_json, print_line
from cli.show.streams import prepare_streams, settle_streams
from tests.unit.cli.conftest import GOOD

COMMANDS = get_command(app)  # made once: it takes longer than any help
ENCODINGS = ("ascii", "latin-1", "cp1252", "utf-8")
FOREIGN = "Zürich – 잊기 … ε ≤ 3 \u202e \ud800"


def list_commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Of groups too; typer's commands are no subclasses of click's."""
    yield words
    for name, inner in getattr(command, "commands", {}).items():
        yield from list_commands(inner, (*words, name))


def write_in(encoding: str, *words: str, monkeypatch: pytest.MonkeyPatch, width: int = 80) -> tuple[str, int]:
    """What a command writes to a stream of that encoding that refuses what it lacks, and its exit code."""
    monkeypatch.setenv("COLUMNS", str(width))
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
    code = 0
    with redirect_stdout(stream), redirect_stderr(stream):
        prepare_streams()
        try:
            COMMANDS.main(list(words), prog_name="lacuna", standalone_mode=True)
        except SystemExit as end:
            code = int(end.code or 0)
        settle_streams()
    return raw.getvalue().decode(encoding), code


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_command_has_help_in_every_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    every = list(list_commands(COMMANDS))
    assert len(every) > 100
    for words in every:
        shown, code = write_in(encoding, *words, "--help", monkeypatch=monkeypatch)
        assert (code, "Usage" in shown) == (0, True), words


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "words",
    [
        ("problem", "list"),
        ("problem", "list", "--json"),
        ("validate", "{good}"),
        ("validate", "{good}", "--json"),
        ("validate", "{bad}"),
        ("validate", "{missing}"),
        ("doctor", "{bad}"),
        ("no-such-command",),
        ("submissions",),
    ],
    ids=lambda words: "-".join(words).replace("{", "").replace("}", ""),
)
def test_what_commands_print_fits_every_encoding(
    encoding: str, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"good": tmp_path / "gut-ü-잊.py", "bad": tmp_path / "b–d.ipynb", "missing": tmp_path / "keine–.py"}
    files["good"].write_text(f"# ε – 잊기\n{GOOD}", encoding="utf-8")
    files["bad"].write_text('{"cells": "–"}', encoding="utf-8")
    named = [word.format(**files) for word in words]
    shown, _ = write_in(encoding, *named, monkeypatch=monkeypatch)
    assert shown
    assert "Traceback" not in shown


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_foreign_words_are_printed_or_replaced(encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    with redirect_stdout(stream), redirect_stderr(stream):
        prepare_streams()
        print_line(FOREIGN)
        print_error(FOREIGN, FOREIGN)
        print_json({"name": FOREIGN})
        settle_streams()
    assert "3" in raw.getvalue().decode(encoding, "replace")


@pytest.mark.parametrize("words", [("--help",), ("problem", "list", "--json")])
def test_a_pipe_that_nobody_reads_is_no_error(words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command: Any = [sys.executable, "-m", "cli.main", *words]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr


def test_no_stream_at_all_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    prepare_streams()
    print_line(FOREIGN)
    settle_streams()
    sys.stdout.close()


@pytest.mark.parametrize("words", [["--help"], ["problem", "list"]])
def test_a_full_disk_behind_the_output_is_said_in_one_line(words: list[str]) -> None:
    command = [sys.executable, "-m", "cli.main", *words]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, "error: No space left on device\n")
