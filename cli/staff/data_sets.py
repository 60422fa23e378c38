"""`lacuna admin data-set`: upload what is to be unlearned from, and see what was read."""

import io
import time
import zipfile
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.show.console import make_console, print_json, print_line, print_note
from cli.show.options import Because, JsonOption, UrlOption
from cli.show.remote import open_client
from cli.show.tables import make_table
from client.failures import CommandFailed, Exit
from client.http import LacunaClient
from core.domain.data_sets import DataFormat, parse_reference
from core.domain.errors import InvalidInput, NotFound

data_set_app = typer.Typer(no_args_is_help=True, help="Upload data sets and look at the result of reading them.")
JSON = dict[str, Any]
POLL_SECONDS, WAIT_SECONDS = 0.5, 1800.0
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Stay until it was read.")]


@data_set_app.command("list")
def list_all(url: UrlOption = "", as_json: JsonOption = False) -> None:
    """List every version of every data set."""
    with open_client(url) as client:
        sets = client.list_data_sets()
    if as_json:
        print_json(sets)
        return
    table = make_table()
    for name in ("version", "state", "train", "test", "classes", "shape", "digest", "note"):
        table.add_column(name, no_wrap=name in ("version", "state"))
    for version in (version for found in sets for version in found["versions"]):
        table.add_row(*_describe_version(version))
    make_console().print(table)


@data_set_app.command()
def upload(
    name: Annotated[str, typer.Argument(help="The data set; an existing one gets its next version.")],
    files: Annotated[list[Path], typer.Argument(help="An .npz or .zip, or the images and labels files of IDX.")],
    format: Annotated[DataFormat | None, typer.Option(help="Default: from the files' names.")] = None,
    note: Annotated[str, typer.Option("--note", "-m", help="Kept with the version.")] = "",
    wait: Wait = True,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Upload a version; a worker reads it and says what it found, or why it is refused."""
    chosen = format or guess_format(files)
    content = pack(files) if chosen is DataFormat.IDX else _read_one(files)
    with open_client(url) as client:
        version = client.add_data_set_version(name, content, format=chosen, note=note)
        _conclude(client, version, wait=wait, as_json=as_json)


@data_set_app.command()
def register(
    name: Annotated[str, typer.Argument(help="The name it gets here.")],
    named: Annotated[str, typer.Argument(help="cifar10, cifar100, svhn, fashion-mnist or digits.")],
    note: Annotated[str, typer.Option("--note", "-m", help="Kept with the version.")] = "",
    wait: Wait = True,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a version of a set whose files lie in the server's data set folder."""
    with open_client(url) as client:
        version = client.add_data_set_version(name, b"", format=DataFormat.NAMED, named=named, note=note)
        _conclude(client, version, wait=wait, as_json=as_json)


@data_set_app.command()
def show(
    version: Annotated[str, typer.Argument(metavar="NAME@NUMBER")], url: UrlOption = "", as_json: JsonOption = False
) -> None:
    """Show one version: its state, its classes, how problem files name it."""
    with open_client(url) as client:
        found = find_version(client, version)
    if as_json:
        print_json(found)
    else:
        _print_version(found)


@data_set_app.command()
def revoke(
    version: Annotated[str, typer.Argument(metavar="NAME@NUMBER")],
    because: Because,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would stop, stop nothing.")] = False,
    stop_running: Annotated[
        bool, typer.Option("--stop-running", help="Cancel the evaluations that run on it, at no cost to anybody.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: UrlOption = "",
) -> None:
    """Let no new work begin on a version's data, after showing what descends from it."""
    with open_client(url) as client:
        found = find_version(client, version)
        name, number = found["name"], found["number"]
        options = {"stop_running": stop_running}
        _print_lineage(client.revoke_data_set_version(name, number, because, dry_run=True, **options))
        if dry_run or not (yes or typer.confirm(f"revoke {name}@{number} for good?", default=False)):
            print_note("nothing was changed")
            return
        answer = client.revoke_data_set_version(name, number, because, dry_run=False, **options)
    print_line(f"{name}@{number} is revoked; {answer['stopped']} evaluations were cancelled")


def find_version(client: LacunaClient, text: str) -> JSON:
    reference = parse_reference(text)
    if reference.number is not None:
        return client.get_data_set_version(reference.name, reference.number)
    versions = [version for found in client.list_data_sets() for version in found["versions"]]
    for version in versions:
        if version["name"] == reference.name and (version["digest"] or "").startswith(reference.digest or "-"):
            return dict(version)
    raise NotFound(f"no data set version {text}")


def guess_format(files: list[Path]) -> DataFormat:
    if len(files) > 1 or "idx" in files[0].name:
        return DataFormat.IDX
    known = {".npz": DataFormat.NPZ, ".zip": DataFormat.IMAGES}
    if files[0].suffix not in known:
        raise InvalidInput(f"say with --format what {files[0].name} is: npz, images or idx")
    return known[files[0].suffix]


def pack(files: list[Path]) -> bytes:
    """The files of an IDX data set as the one zip that is uploaded; a zip goes as it is."""
    if len(files) == 1 and files[0].suffix == ".zip":
        return files[0].read_bytes()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.writestr(zipfile.ZipInfo(path.name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _read_one(files: list[Path]) -> bytes:
    if len(files) != 1:
        raise InvalidInput("this format is one file")
    return files[0].read_bytes()


def _conclude(client: LacunaClient, version: JSON, *, wait: bool, as_json: bool) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while wait and version["status"] in ("uploaded", "validating"):
        if time.monotonic() > deadline:
            raise CommandFailed(f"{version['reference']} was not read in time", exit_code=Exit.TIMEOUT)
        time.sleep(POLL_SECONDS)
        version = client.get_data_set_version(version["name"], version["number"])
    if as_json:
        print_json(version)
    elif version["status"] != "refused":
        _print_version(version)
    if version["status"] == "refused":
        hint = "correct the file and upload it again; it becomes the next version"
        reason = f"{version['name']}@{version['number']} is refused: {version['reason']}"
        raise CommandFailed(reason, exit_code=Exit.REJECTED, hint=hint)


def _print_version(version: JSON) -> None:
    print_line(f"{version['name']}@{version['number']} is {version['status']}  {version['reason']}".rstrip())
    if version["waiting"]:
        print_line(f"nobody reads it: {version['waiting']['why']}; helps: {version['waiting']['command']}")
    summary = version["summary"]
    if not summary:
        print_note(f"look again: lacuna admin data-set show {version['name']}@{version['number']}")
        return
    shape = "×".join(map(str, summary["shape"]))
    print_line(f"{summary['train']} training and {summary['test']} test images of {shape}, {summary['dtype']}")
    if summary.get("left_out"):
        print_line(f"left out: {', '.join(summary['left_out'])}")
    for place, found in enumerate(summary["classes"]):
        name = "" if found["name"] == str(place) else f" {found['name']}"
        print_line(f"  class {place}{name}: {found['train']} to train on, {found['test']} to test on")
    print_line(f'name it in a problem file:\n\n[data]\nset = "{version["reference"]}"')


def _print_lineage(answer: JSON) -> None:
    for problem in answer["lineage"]["problems"]:
        print_line(f"problem {problem['slug']} {problem['digest'][:12]}")
        for pool in problem["pools"]:
            print_line(f"  pool {pool['kind']}: {pool['size']} models, {pool['state']}")
        for spec in problem["specs"]:
            print_line(f"  spec {spec['digest'][:12]}: {spec['evaluations']} evaluations, {spec['scored']} scored")
            for row in spec["competitions"]:
                print_line(f"    competition {row['slug']}, {row['state']}")
    for row in answer["running"]:
        print_line(f"running {row['evaluation_id']} in {row['competition']}: {row['filename']} by {row['by']}")
    print_line(answer["consequence"])


def _describe_version(version: JSON) -> list[str]:
    summary = version["summary"] or {"train": "–", "test": "–", "classes": [], "shape": []}
    return [
        f"{version['name']}@{version['number']}",
        version["status"],
        str(summary["train"]),
        str(summary["test"]),
        str(len(summary["classes"]) or "–"),
        "×".join(map(str, summary["shape"])),
        (version["digest"] or "–")[:12],
        version["reason"] or version["note"],
    ]
