"""`lacuna submit`, `promote`, `status`, `submissions`, `logs`, `source`, `cancel`."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.server.competitions import describe_limits
from cli.show.board import show_rank
from cli.show.console import make_console, print_answer, print_error, print_json, print_line, print_note
from cli.show.files import read_upload
from cli.show.numbers import show_interval, show_percent
from cli.show.options import FileArgument, JsonOption, UrlOption
from cli.show.remote import choose_competition, choose_submission, open_client, shorten_id
from cli.show.scorecard import render_scorecard, show_verdict
from cli.show.tables import Column, print_fitted
from client.failures import CommandFailed, Exit, get_exit_of_verdict
from client.http import LacunaClient
from client.progress import StageProgress
from client.waiting import wait_until_finished
from core.domain.errors import ContestError, InvalidInput, NotFound
from core.domain.faults import FaultCode
from core.domain.intake.given import ANY_PROBLEM, Given, check_given, read_given
from core.domain.intake.reading import read_submission
from core.domain.intake.report import SubmissionFiles
from core.domain.leaderboard import Purpose
from core.domain.notes import NoteReaders
from core.domain.phases import PhaseKind
from core.domain.submission import Status, Verdict
from core.scorecard import UnreadableScorecard, read_scorecard
from core.settings import get_settings

COLUMNS = (
    Column("id"),
    Column("competition", 4),
    Column("phase", 5),
    Column("file", may_wrap=True),
    Column("status", may_wrap=True),
    Column("score", is_number=True),
    Column("runtime", 2, is_number=True),
    Column("final", 1, may_wrap=True),
    Column("note", 3, may_wrap=True),
)
ID_HELP = "As `lacuna submit` printed it, or its last letters."
IdArgument = Annotated[str, typer.Argument(metavar="ID", help=ID_HELP, show_default=False)]
NewestArgument = Annotated[
    str, typer.Argument(metavar="[ID]", help=f"{ID_HELP} Left out: your newest.", show_default=False)
]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait until it has ended, with live progress.")]
TimeoutOption = Annotated[float | None, typer.Option(min=0, help="With --wait: give up after so many seconds.")]


def submit(
    file: FileArgument,
    competition: Annotated[str, typer.Option("--competition", "-c", help="May be left out if there is only one.")] = "",
    note: Annotated[str, typer.Option("--note", "-m", "--message", help="Public unless --note-for says.")] = "",
    note_for: Annotated[NoteReaders, typer.Option("--note-for", help="Who reads the note.")] = NoteReaders.EVERYBODY,
    practice: Annotated[
        bool, typer.Option("--practice", help="To the practice phase: everything is shown, nothing is ranked.")
    ] = False,
    wait: WaitOption = False,
    timeout: TimeoutOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask when parts of a notebook are left out.")] = False,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Upload a submission to a competition; what cannot run is refused here, before it counts."""
    content = read_upload(file)
    limit = max(get_settings().upload_bytes, len(content))  # how much is too much is the server's to say
    read = read_submission(file.name, content, limit_bytes=limit)
    with open_client(url) as client:
        slug = choose_competition(client, competition)
        given = _find_given(client.get_competition(slug), practice=practice)
        _look_before(read, given, may_ask=not yes)
        state = client.submit(
            slug,
            file.name,
            content,
            note=note,
            note_readers=note_for,
            purpose=Purpose.PRACTICE if practice else Purpose.RANKED,
        )
        where = f"{slug}, for practice" if practice else slug
        print_note(f"submitted {file.name} to {where}: {state['id']}")
        _follow(client, state, timeout, wait=wait, as_json=as_json)


def promote(
    submission_id: NewestArgument = "",
    wait: WaitOption = False,
    timeout: TimeoutOption = None,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Submit the file of a practice submission for real, under the public quota."""
    with open_client(url) as client:
        state = client.promote(choose_submission(client, submission_id))
        print_note(f"submitted {state['filename']} to {state['competition']}: {state['id']}")
        _follow(client, state, timeout, wait=wait, as_json=as_json)


def status(
    submission_id: NewestArgument = "",
    wait: WaitOption = False,
    timeout: TimeoutOption = None,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show where a submission is, and once it has ended, what came of it."""
    with open_client(url) as client:
        chosen = choose_submission(client, submission_id)
        state = _wait(client, chosen, timeout) if wait else client.get_submission(chosen)
        _finish(client, state, as_json=as_json, waited=wait)


def submissions(url: UrlOption = "", as_json: JsonOption = False) -> None:
    """List your submissions, the newest first."""
    with open_client(url) as client:
        items = client.list_submissions()
    if as_json:
        print_json(items)
        return
    if not items:
        print_line("nothing submitted yet; `lacuna init` writes a file to begin with, `lacuna submit FILE` enters it")
        return
    print_fitted(COLUMNS, map(_show_line, items))


def _show_line(item: Mapping[str, Any]) -> Sequence[object]:
    score = item["score"] or {}
    return (
        shorten_id(item["id"]),
        item["competition"],
        item.get("phase", "public"),
        item["filename"],
        show_verdict(item["verdict"]) if item["verdict"] else item["status"],
        show_interval(score.get("estimate"), score.get("low"), score.get("high")),
        show_percent(item["relative_runtime"]),
        describe_final(item.get("final")) or ("selected" if item.get("is_selected") else ""),
        item["note"],
    )


def note(
    submission_id: IdArgument,
    text: Annotated[str | None, typer.Argument(help="Left out: it stays.", show_default=False)] = None,
    note_for: Annotated[
        NoteReaders | None, typer.Option("--note-for", help="Who reads it.", show_default=False)
    ] = None,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Change the note on a submission of yours, or who reads it."""
    named = {"note": text, "note_readers": note_for}
    change = {name: value for name, value in named.items() if value is not None}
    with open_client(url) as client:
        state = client.edit_note(choose_submission(client, submission_id), change)
    print_answer(state, f"{state['note'] or 'no note'} (for {state['note_readers']})", as_json=as_json)


def logs(submission_id: NewestArgument = "", url: UrlOption = "") -> None:
    """Print what the code printed, and why it failed; in practice only, and only one's own."""
    with open_client(url) as client:
        state = client.get_submission(choose_submission(client, submission_id))
    if state["log"] is None:
        raise NotFound(
            "only its authors read what a submission printed, and on hidden problems nobody does;"
            " `lacuna submit --practice` shows it where the competition has a practice phase"
        )
    if not state["log"]:
        print_note("the code printed nothing" if state["verdict"] else "nothing was printed yet")
        return
    typer.echo(state["log"], nl=not state["log"].endswith("\n"))


def source(
    submission_id: NewestArgument = "",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write it here (default: to stdout).")] = None,
    url: UrlOption = "",
) -> None:
    """Get an uploaded file back, byte for byte."""
    with open_client(url) as client:
        content = client.get_source(choose_submission(client, submission_id))
    if output is None:
        typer.echo(content, nl=False)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise InvalidInput(f"cannot write {output}: {error.strerror}") from None
    print_note(f"wrote {output}, {len(content):,} bytes")


def cancel(submission_id: IdArgument, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Stop a submission that has not ended."""
    with open_client(url) as client:
        state = client.cancel(choose_submission(client, submission_id))
    print_answer(
        state,
        f"{state['id']}: {'withdrawn' if state['status'] == Status.FINISHED else 'being stopped'}",
        as_json=as_json,
    )


def _follow(client: LacunaClient, state: dict[str, Any], timeout: float | None, *, wait: bool, as_json: bool) -> None:
    _print_limits(client, state["competition"])
    if wait:
        state = _wait(client, state["id"], timeout)
    _finish(client, state, as_json=as_json, waited=wait)


def describe_final(final: Mapping[str, Any] | None) -> str:
    """The place and the private score of a finalist, once published; empty before."""
    if not final:
        return ""
    score = final["score"] or {}
    words = show_interval(score.get("estimate"), score.get("low"), score.get("high")) if score else final["verdict"]
    return f"{show_rank(final)} of {final['ranked']}, {words}" if final["rank"] else str(words)


def _wait(client: LacunaClient, submission_id: str, timeout: float | None) -> dict[str, Any]:
    with StageProgress() as progress:
        return wait_until_finished(client, submission_id, timeout=timeout, progress=progress)


def _find_given(competition: Mapping[str, Any], *, practice: bool) -> Given:
    """What the phase it is meant for gives, by its card; a phase that is not there is the server's to refuse."""
    found = competition.get("practice") if practice else competition
    return read_given(found["problem"]) if found else ANY_PROBLEM


def _look_before(read: SubmissionFiles, given: Given, *, may_ask: bool) -> None:
    """Tell what would run, and how it fits, while nothing counts yet; somebody at a terminal may still say no."""
    held = check_given(read, given)
    for warning in held.warnings:
        print_note(f"warning: {warning}")
    is_partial = bool(read.changed or read.left_out)
    for title, notes in (("left out", read.left_out), ("changed", read.changed), ("kept", read.kept)):
        if is_partial and notes:
            print_note("\n".join([f"{title} ({len(notes)}):", *(f"  {note}" for note in notes)]))
    if not (is_partial or held is not read) or not may_ask or not _is_watched():
        return
    question = "Submit what is kept?" if read.kept or read.left_out else "Submit it all the same?"
    if not typer.confirm(question, err=True):
        raise CommandFailed("nothing was submitted", exit_code=Exit.CANCELLED)


def _is_watched() -> bool:
    return sys.stdin.isatty()


def _print_limits(client: LacunaClient, slug: str) -> None:
    try:
        print_note(describe_limits(client.get_limits(slug)))
    except ContestError as error:  # the upload is in; not knowing what is left must not look like a failure
        print_note(f"the rest of today's limit is unknown: {error.message}")


def _finish(client: LacunaClient, state: Mapping[str, Any], *, as_json: bool, waited: bool) -> None:
    """Print a submission; one that has ended sets the exit code."""
    if as_json:
        print_json(state)
        raise typer.Exit(_get_exit(state))
    if _is_practice(state):
        print_line("practice: everything is shown, nothing is ranked")
    if state["verdict"] is None:
        progress = state["progress"]
        print_line(f"{state['id']}: {state['status']}, {progress['finished']} of {progress['total']} replicas")
        if not waited:
            print_note(
                f"follow it with `lacuna status {state['id']} --wait`, or on {client.url}/submissions/{state['id']}"
            )
    else:
        _print_ended(client, state)
    raise typer.Exit(_get_exit(state))


def _get_exit(state: Mapping[str, Any]) -> int:
    return Exit.SCORED if state["verdict"] is None else get_exit_of_verdict(Verdict(state["verdict"]))


def _print_fault(client: LacunaClient, state: Mapping[str, Any]) -> None:
    if told := ": ".join(part for part in (state["code"], state["reason"]) if part):
        print_error(told, state.get("hint") or "")
    if state["code"] == FaultCode.FAILED_ON_HIDDEN_DATA:
        _suggest_practice(client, state)


def _suggest_practice(client: LacunaClient, state: Mapping[str, Any]) -> None:
    """How a run failed is not told on hidden data; where it is."""
    try:
        practice = client.get_competition(state["competition"]).get("practice")
    except ContestError:  # what became of the submission is told already
        return
    if practice and practice["daily_limit"]:
        file = shlex.quote(state["filename"])
        print_note(
            f"`lacuna submit {file} -c {state['competition']} --practice` runs it on open data, and shows what it"
            " prints and why it fails"
        )


def _is_practice(state: Mapping[str, Any]) -> bool:
    return state.get("phase") == PhaseKind.PRACTICE


def _print_scorecard(client: LacunaClient, state: Mapping[str, Any]) -> None:
    """The verdict and the score alone where a newer server tells the rest in a form that is not known here."""
    try:
        record = read_scorecard(client.get_scorecard(state["id"]))
    except UnreadableScorecard as error:
        make_console().print(show_verdict(state["verdict"]))
        print_line(f"score: {show_interval(*(state['score'][name] for name in ('estimate', 'low', 'high')))}")
        print_note(f"{error.message}; the page shows all of it")
        return
    make_console().print(render_scorecard(record, verdict=state["verdict"]))


def _print_ended(client: LacunaClient, state: Mapping[str, Any]) -> None:
    if state["score"] is not None:
        _print_scorecard(client, state)
    else:
        make_console().print(show_verdict(state["verdict"]))
    early = state.get("decided_early")
    if early:
        print_line(f"stopped after {early['after']} of {early['of']} replicas: its place was decided")
    final = describe_final(state.get("final"))
    if final:
        print_line(f"final board: {final}")
    if state.get("held_back"):
        print_note("on hidden data a score is told only where it rises by more than noise; this one, after the end")
    _print_fault(client, state)
    if state["score"] is None and state.get("log"):
        print_note(f"what the code printed: `lacuna logs {state['id']}`")
    if _is_practice(state):
        print_note(f"submit it for real: `lacuna promote {state['id']}`")
    print_line(f"page: {client.url}/submissions/{state['id']}")
