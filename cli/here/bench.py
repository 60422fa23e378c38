"""`lacuna bench`: every method under one problem, in one table."""

import os
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from cli.here.evaluate import ProblemOption, SandboxOption, open_sandbox, render_html
from cli.here.pool_cards import offer_card
from cli.here.validate import read_file
from cli.show.console import make_console, print_json, print_line, print_note
from cli.show.files import write_report
from cli.show.numbers import show_count
from cli.show.options import JsonOption
from cli.show.tables import Column, Line, fit_table
from client.failures import Exit
from client.progress import StageProgress
from core.domain.errors import InvalidInput, ParticipantFault
from core.domain.intake.constants import set_constants, split_changes
from core.domain.intake.given import Given, check_given
from core.domain.submission import Verdict
from core.problem_files import DEFAULT_PROBLEM, find_problem
from core.problem_parts import MIN_REPLICAS
from core.settings import get_settings
from sandbox.contract import ENTRY_FILE
from worker.league.columns import ColumnSet
from worker.league.page import render_page
from worker.league.rows import Entry
from worker.league.running import run_league
from worker.league.table import LeagueTable, make_table
from worker.league.texts import explain, render_csv, render_latex, render_markdown, show_cell

FILE_FORM = "FILE, or FILE:NAME=NUMBER,… to change numbers that it assigns at its top level."


def bench(
    files: Annotated[list[str], typer.Argument(help=FILE_FORM, metavar="FILES…", show_default=False)],
    problem: ProblemOption = DEFAULT_PROBLEM,
    columns: Annotated[ColumnSet, typer.Option(help="Whose table it is, or every number.")] = ColumnSet.COMP,
    replicas: Annotated[int | None, typer.Option(min=MIN_REPLICAS, help="Of each method.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the tables, the page, the reports and what is kept.")] = Path(
        "league"
    ),
    sandbox: SandboxOption = "",
    jobs: Annotated[int | None, typer.Option(min=1, help="Methods at a time; they share the cores.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run every method under a problem: one table, one figure. Started again, it goes on where it was stopped."""
    spec, settings = find_problem(problem), get_settings()
    entries = [_read_entry(text, spec.given) for text in dict.fromkeys(files)]
    _check_names(entries)
    _make_folder(out)
    count = replicas or spec.evaluation.replicas
    with StageProgress() as progress:
        league = run_league(
            spec,
            entries,
            settings=settings,
            sandbox=open_sandbox(settings, sandbox),
            replicas=count,
            folder=out,
            jobs=jobs or min(2, settings.workers),
            render=lambda found, name: render_html(found, title=name, problem=spec.title),
            on_progress=offer_card(progress.update),
        )
    table = make_table(
        league.references,
        league.rows,
        problem=spec.title,
        slug=spec.slug,
        replicas=count,
        budget=spec.evaluation.compute_budget,
        chosen=columns,
    )
    written = _write(out, table)
    if as_json:
        print_json({"rows": [row.model_dump(mode="json") for row in league.rows], "files": written})
    else:
        _print_table(table)
        print_line(f"{show_count(len(entries), 'method')}, {league.kept} of them from before; {', '.join(written)}")
    failed = [row for row in league.rows if not row.is_scored]
    for row in failed:
        print_note(f"{row.name}: {row.verdict.replace('_', ' ')}: {row.reason}")
    if failed:
        raise typer.Exit(Exit.ERRORED if {row.verdict for row in failed} == {Verdict.PLATFORM_ERROR} else Exit.FAILED)


def _read_entry(text: str, given: Given) -> Entry:
    """A file that is refused is a row all the same; one that is not there ends the command."""
    place, changes = split_changes(text)
    path = Path(place)
    told = ",".join(f"{name}={value}" for name, value in changes.items())
    name = f"{path.stem} {told}".strip()
    try:
        read = check_given(read_file(path), given)
    except ParticipantFault as fault:
        return Entry(name, {ENTRY_FILE: path.read_bytes()}, refusal=str(fault))
    files = dict(read.files)
    if changes:
        files[ENTRY_FILE] = set_constants(files[ENTRY_FILE].decode(), changes).encode()
    return Entry(name, files)


def _check_names(entries: list[Entry]) -> None:
    double = [name for name, count in Counter(entry.name for entry in entries).items() if count > 1]
    if double:
        raise InvalidInput(f"two files are called {double[0]}: rename one, or rows cannot be told apart")


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"cannot write {out}: {error.strerror}") from None
    if not os.access(out, os.W_OK):
        raise InvalidInput(f"cannot write {out}: no permission")


def _write(out: Path, table: LeagueTable) -> list[str]:
    texts = {
        "index.html": render_page(table),
        "league.csv": render_csv(table),
        "league.md": render_markdown(table),
        "league.tex": render_latex(table),
    }
    for name, text in texts.items():
        write_report(out / name, text)
    return [str(out / name) for name in texts]


def _print_table(table: LeagueTable) -> None:
    """The first columns stay where the line is narrow."""
    heads = [Column("method")]
    heads += [Column(column.title, importance=place, is_number=True) for place, column in enumerate(table.columns)]
    heads.append(Column("remark", importance=len(table.columns)))
    lines = [
        Line(
            [row.name, *(show_cell(row.cells.get(column.id), column) for column in table.columns), row.mark],
            style="dim" if row.is_reference else "",
        )
        for row in table.rows
    ]
    make_console().print(fit_table(heads, lines))
    print_line(explain(table))
