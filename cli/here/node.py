"""`lacuna node`: this machine runs shards for a server, over HTTPS alone."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from filelock import FileLock, Timeout

from cli.show.console import print_line
from cli.show.lazy import load
from client.failures import CommandFailed, Exit
from core.settings import Settings, get_settings

JOINED, PROCESS, LOCK = "joined.json", "pid", "node.lock"
LEAVE_SECONDS = 40.0

node_app = typer.Typer(no_args_is_help=True, help="This machine as a node of a server.")
node_app = typer.Typer(no_args_is_help=True, help="This machine as a node of a server.")
UrlArgument = Annotated[str, typer.Argument(help="The server; without one, that of last time.", show_default=False)]
TokenArgument = Annotated[
    str, typer.Argument(envvar="LACUNA_NODE_KEY", help="This node's key: `lacuna admin node add`.", show_default=False)
]
CaOption = Annotated[
    Path | None, typer.Option("--ca", help="Certificates to trust (PEM), in place of the system's.", show_default=False)
]
HttpOption = Annotated[bool, typer.Option("--allow-http", help="Speak unencrypted with another machine.")]
WorkersOption = Annotated[int, typer.Option("--workers", min=0, help="Shards at once.", show_default="one a core")]
ClassOption = Annotated[str, typer.Option("--class", help="Machines alike share one.", show_default="cpu")]


@node_app.command()
def join(
    url: UrlArgument = "",
    token: TokenArgument = "",
    workers: WorkersOption = 0,
    node_class: ClassOption = "",
    ca: CaOption = None,
    allow_http: HttpOption = False,
) -> None:
    """Try this machine's boxes, then run shards for a server until `lacuna node leave` or Ctrl-C."""
    settings = _choose_settings(workers, node_class)
    folder = _find_folder(settings)
    with _hold(folder) as is_alone:
        if not is_alone:
            raise CommandFailed("a node runs here already: `lacuna node leave` ends it", exit_code=Exit.REFUSED)
        given = {"url": url, "token": token, "ca": str(ca.resolve()) if ca else "", "http": "yes" if allow_http else ""}
        _run(settings, folder, given if url else _read_joined(folder))
    print_line("left")


@node_app.command()
def leave() -> None:
    """End the node that runs on this machine, give back what it holds, and forget its key."""
    folder = _find_folder(get_settings())
    if not (folder / JOINED).exists():
        raise CommandFailed("no node joined from this machine", exit_code=Exit.REFUSED)
    with _hold(folder) as is_alone:
        pass
    if not is_alone:
        with suppress(OSError, ValueError):
            os.kill(int((folder / PROCESS).read_text()), signal.SIGTERM)
        _wait_for_end(folder)
    (folder / JOINED).unlink(missing_ok=True)
    print_line("left; an admin ends its key with `lacuna admin node revoke NAME`")


def _run(settings: Settings, folder: Path, joined: dict[str, str]) -> None:
    if not joined.get("url") or not joined.get("token"):
        raise CommandFailed("name the server and this node's key: lacuna node join URL TOKEN", exit_code=Exit.REFUSED)
    address = load("worker.agent.link", "check_address")(joined["url"], allow_http=bool(joined.get("http")))
    ca = Path(joined["ca"]) if joined.get("ca") else None
    link = load("worker.agent.link", "Link")(address, joined["token"], ca=ca)
    standing = load("worker.agent.patience", "Standing")(_say)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: standing.over.set())
    _write_private(folder / JOINED, json.dumps(joined))
    _write_private(folder / PROCESS, str(os.getpid()))
    load("worker.agent.node", "run_node")(link, settings, standing, folder)


def _say(line: str) -> None:
    """At once, also where a service manager reads it."""
    print_line(line)
    sys.stdout.flush()


@contextmanager
def _hold(folder: Path) -> Iterator[bool]:
    """Whether this process alone has the folder, for as long as it takes."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _choose_settings(workers: int, node_class: str) -> Settings:
    chosen: dict[str, Any] = {"workers": workers} if workers else {}
    chosen |= {"node_class": node_class} if node_class else {}
    return get_settings().model_copy(update=chosen)


def _find_folder(settings: Settings) -> Path:
    return settings.data_folder / "node"


def _read_joined(folder: Path) -> dict[str, str]:
    with suppress(OSError, ValueError):
        found = json.loads((folder / JOINED).read_text())
        return found if isinstance(found, dict) else {}
    return {}


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        stream.write(text)


def _wait_for_end(folder: Path) -> None:
    try:
        FileLock(folder / LOCK).acquire(timeout=LEAVE_SECONDS).lock.release()
    except Timeout:
        raise CommandFailed(f"the node did not end within {LEAVE_SECONDS:.0f} s", exit_code=Exit.ERRORED) from None
