"""Every command of `lacuna` against the application itself, in old encodings, 80 columns wide, into a closed pipe.

A command that is on neither list fails the first test, so that none can be forgotten.
"""

import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, update
from structlog.testing import capture_logs
from typer.main import get_command

from api.security import hash_token
from cli.app import app as commands
from cli.show.streams import prepare_streams, settle_streams
from client.http import LacunaClient
from core.db.base import utc_now
from core.db.models.accounts import User
from core.db.models.contests import Competition
from core.db.models.lifecycle import Announcement, DiscussionThread
from core.db.models.notifications import Webhook
from core.db.models.operations import Node
from core.db.models.rejudges import Rejudge
from core.db.models.submissions import Evaluation, Submission
from core.db.session import reading, transaction
from core.settings import Settings
from core.storage import FolderStore
from tests import factories, gallery

COMMANDS = get_command(commands)
ENCODINGS = ("ascii", "latin-1", "cp1252")
FOREIGN = "Zürich – 잊기 … ε ≤ 3"
GOOD = f"# {FOREIGN}\ndef unlearning(net, retain_loader, forget_loader, val_loader):\n    return net\n"
PASSWORD = "correct horse battery"
ADMIN, ORGANIZER, PARTICIPANT, NOBODY = "admin", "organizer", "participant", ""

# What is typed, by who types it. Words in braces are filled in from the rows of the gallery.
TYPED: Mapping[str, tuple[str, ...]] = {
    NOBODY: (
        "init {folder}/new",
        "validate {good}",
        "problem list",
        "problem show digits",
        "score --unlearned {pool} --retrained {pool}",
        f"register newcomer --password {PASSWORD!r}",
        f"login --name participant-one --password {PASSWORD!r}",
    ),
    PARTICIPANT: (
        "whoami",
        "competitions",
        "submit {good} -c empty --yes",
        "submit {good} -c digits --practice --yes",
        "promote {practised}",
        "status {first}",
        "status {failed}",
        "submissions",
        "compare {first} {second}",
        "logs {practised}",
        "note {first} {foreign}",
        "source {first}",
        "cancel {queued}",
        "leaderboard digits",
        "leaderboard digits --changes",
        "leaderboard digits --me",
        "leaderboard digits --final",
        "leaderboard digits --csv",
        "limits digits",
        "runtime",
        "runtime --codes",
        "inbox",
        "rules digits",
        "announcements digits",
        "discussion digits",
        "discussion digits --thread {thread}",
        "select -c digits",
        "team show -c digits",
        "team rename renamed -c digits",
        "team invite leader -c digits",
        "team accept 'the others' -c empty",
        "team leave -c empty",
        "team create another -c empty",
        "team decline 'the others' -c empty",
        "account tokens",
        f"account password --old {PASSWORD!r} --password {PASSWORD!r}",
        "account logout",
        "account revoke none",
        "notify show",
        "notify mail one@host.example",
        "notify add https://host.example/new",
        "notify test {hook}",
        "notify off {hook}",
        "notify on {hook}",
        "notify rotate {hook}",
        "notify log",
        "notify remove {hook}",
        "logout",
    ),
    ADMIN: (
        "organize state empty frozen --because {foreign}",
        "organize set empty --daily-limit 3 --because {foreign}",
        "organize rules empty {text}",
        "organize private digits",
        "organize grant digits renamed 2 --because {foreign}",
        "organize ledger digits renamed",
        "organize announce digits {foreign} {text}",
        "organize edit-announcement digits {announcement} --title Other --because {foreign}",
        "organize withdraw-announcement digits {announcement} --because {foreign}",
        "organize disqualify {second} --because {foreign}",
        "organize reinstate {second} --because {foreign}",
        "organize audit",
        "organize boards digits",
        "rejudge plan -c digits",
        "rejudge list",
        "rejudge show {rejudge}",
        "rejudge compare {rejudge}",
        "rejudge pause {rejudge} --because {foreign}",
        "rejudge resume {rejudge} --because {foreign}",
        "rejudge discard {rejudge} --because {foreign}",
        "rejudge start -c ended --because {foreign}",
        "rejudge promote {rejudge} --because {foreign}",
        "admin queue",
        "admin nodes",
        "admin node add other --because {foreign}",
        "admin node rotate other --because {foreign}",
        "admin node list",
        "admin node revoke other --because {foreign}",
        "admin drain {node} --because {foreign}",
        "admin activate {node} --because {foreign}",
        "admin costs",
        "admin leaks",
        "admin requeue {stuck} --because {foreign}",
        "admin cancel {stuck} --because {foreign}",
        "admin flags",
        "admin decide {stuck} SOME dismissed --because {foreign}",
        "admin data-set list",
        "admin data-set show faces@1",
        "admin data-set upload faces {folder}/images.npz --no-wait",
        "admin data-set register more digits --no-wait",
        "admin data-set revoke faces@1 --dry-run --because {foreign}",
        "admin pools show digits",
        "admin pools verify digits",
        "admin pools activate preparing --because {foreign}",
        "admin pools retire ended --because {foreign}",
        "admin export digits",
        "admin export digits -o {folder}/exported.toml",
        "admin apply {folder}/exported.toml --dry-run",
        "admin preview draft",
        "admin competitions",
    ),
}
# They train or score in a box, or run a platform; here they are refused, and tests of their own run them.
REFUSED = (
    "doctor {bad}",
    "evaluate {bad}",
    "bench {bad} --problem none",
    "tune {bad} --vary LR=0.1..1 --problem none",
    "up --problem none",
    "demo --data-folder {good}",
    "grant nobody-here admin",
    "node join",
    "node leave",
    "problem build none",
    "problem hardest none",
    "pool export none",
    "pool import {bad}",
    "pool verify {bad}",
    "admin backup {good}",
    "admin restore {folder}/none",
)
# What the gallery has no case for, and what tells of a failure.
FAILING = (
    *REFUSED,
    "status {failed}",
    "admin preview draft",
    *(line for line in TYPED[NOBODY] if PASSWORD in line),
    f"account password --old {PASSWORD!r} --password {PASSWORD!r}",
    "team decline 'the others' -c empty",
    "account revoke none",
    "notify mail one@host.example",
    "rejudge promote {rejudge} --because {foreign}",
    "admin decide {stuck} SOME dismissed --because {foreign}",
    "admin pools retire ended --because {foreign}",
)


@pytest.fixture
def typed(
    client: TestClient,
    engine: Engine,
    settings: Settings,
    own_home: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., int]:
    """Type a command as somebody, into a stream; gives its exit code."""
    with transaction(engine) as session:
        gallery.fill(session)
        _make_foreign(session, FolderStore(settings.store_folder).put(GOOD.encode()))
    with reading(engine) as session:
        words = _find_words(session) | _write_files(tmp_path)
    for module in ("cli.show.remote", "cli.server.log_in"):
        monkeypatch.setattr(f"{module}.LacunaClient", lambda url, token=None: _connect(client, url, token))

    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("cli.staff.preview.WAIT_SECONDS", -1.0)  # no worker is there

    def run(line: str, role: str, stream: io.TextIOBase) -> int:
        monkeypatch.setenv("LACUNA_TOKEN", f"token-of-{role}-one" if role else "")
        monkeypatch.setenv("COLUMNS", "80")
        arguments = [part.strip("'").format(**words) for part in _split(line)]
        with capture_logs(), redirect_stdout(stream), redirect_stderr(stream):
            prepare_streams()
            try:
                COMMANDS.main(arguments, prog_name="lacuna", standalone_mode=True)
            except SystemExit as end:
                return int(end.code or 0)
            finally:
                settle_streams()
        return 0

    return run


def test_every_command_is_on_a_list() -> None:
    lines = [_split(line) for lines in TYPED.values() for line in lines] + [_split(line) for line in REFUSED]
    missing = [
        words for words in _list_leaves(COMMANDS) if not any(tuple(line[: len(words)]) == words for line in lines)
    ]
    assert missing == []


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_every_command_prints_fits_an_old_encoding(typed: Callable[..., int], encoding: str) -> None:
    wrong = {}
    for role, line in _list_lines():
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
        code = typed(line, role, stream)
        shown = raw.getvalue().decode(encoding, "replace")  # `source` gives back the very bytes
        is_wrong = code != 0 if line not in FAILING else code == 0
        if "Traceback" in shown or not shown.strip() or is_wrong:
            wrong[line] = f"{code}: {shown[-300:]}"
    assert wrong == {}


def test_no_command_minds_a_pipe_that_nobody_reads(typed: Callable[..., int]) -> None:
    for role, line in _list_lines():
        reading_end, writing_end = os.pipe()
        os.close(reading_end)
        with open(writing_end, "w", encoding="utf-8") as stream:
            typed(line, role, stream)


def test_a_failure_on_hidden_data_is_told_with_its_hint_and_the_way_to_practice(
    typed: Callable[..., int], engine: Engine
) -> None:
    with transaction(engine) as session:
        ann = factories.make_user(session, "hidden-one")
        factories.make_token(session, ann, hash_token("token-of-hidden-one"))
        contest = factories.make_competition(session, "hidden", exposure="public")
        factories.make_practice_phase(session, contest)
        team = factories.find_or_make_team(session, contest, ann)
        failed = factories.make_submission(session, contest, ann, team_id=team.id, filename="my file.py")
        fault = {"verdict": "runtime_error", "code": "EXCEPTION", "reason": "ValueError: bad"}
        factories.make_evaluation(session, failed, started_at=utc_now(), finished_at=utc_now(), **fault)
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="utf-8")
    typed("status", "hidden", stream)
    shown = raw.getvalue().decode()
    assert "FAILED_ON_HIDDEN_DATA" in shown
    assert "hint: The submission failed on hidden data" in shown
    assert "lacuna submit 'my file.py' -c hidden --practice" in shown
    assert "ValueError" not in shown


def _list_lines() -> Iterator[tuple[str, str]]:
    yield from ((role, line) for role, lines in TYPED.items() for line in lines)
    yield from ((NOBODY, line) for line in REFUSED)


def _split(line: str) -> list[str]:
    """At blanks outside quotation marks."""
    parts = line.split("'")
    return [word for place, part in enumerate(parts) for word in ([f"'{part}'"] if place % 2 else part.split())]


def _list_leaves(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    inner = getattr(command, "commands", {})
    if not inner:
        yield words
    for name, each in inner.items():
        yield from _list_leaves(each, (*words, name))


def _connect(client: TestClient, url: str, token: str | None) -> LacunaClient:
    def forward(request: httpx2.Request) -> httpx2.Response:
        request.read()
        path = request.url.raw_path.decode()
        answer = client.request(request.method, path, content=request.content, headers=dict(request.headers))
        headers = {name: value for name, value in answer.headers.items() if not name.startswith("content-")}
        kind = {"content-type": answer.headers.get("content-type", "")}
        return httpx2.Response(answer.status_code, headers=headers | kind, content=answer.content)

    return LacunaClient(url, token, transport=httpx2.MockTransport(forward))


def _make_foreign(session: Any, digest: str) -> None:
    """In every text that people write themselves; digest: of a file that is in the store."""
    session.execute(update(Competition).values(title=FOREIGN, summary=FOREIGN))
    session.execute(update(Submission).values(note=FOREIGN, source_digest=digest))
    session.execute(update(Announcement).values(title=FOREIGN, text=FOREIGN))
    session.execute(update(DiscussionThread).values(title=FOREIGN))


def _find_words(session: Any) -> dict[str, str]:
    def find(query: Any) -> str:
        return str(session.scalars(query).first())

    own = select(Submission.id).join(User, Submission.user_id == User.id).where(User.name == "participant-one")
    files = {name: own.where(Submission.filename == f"{name}.py") for name in ("queued", "failed")}
    scored = own.join(Evaluation).where(Evaluation.verdict == "scored", Evaluation.phase == "public")
    first, second = list(dict.fromkeys(session.scalars(scored.order_by(Submission.created_at))))[:2]
    return {name: find(query) for name, query in files.items()} | {
        "first": str(first),
        "second": str(second),
        "practised": find(own.where(Submission.purpose == "practice")),
        "node": find(select(Node.name)),
        "thread": find(select(DiscussionThread.id)),
        "hook": find(select(Webhook.id)),
        "announcement": find(select(Announcement.id)),
        "rejudge": find(select(Rejudge.id).where(Rejudge.state == "running")),
        "stuck": find(select(Evaluation.id).where(Evaluation.status == "running")),
        "foreign": FOREIGN,
    }


def _write_files(folder: Path) -> dict[str, str]:
    good, bad, text, pool = (folder / name for name in ("gut-ü-잊.py", "b–d.ipynb", "text–.md", "pool.npy"))
    good.write_text(GOOD, encoding="utf-8")
    bad.write_text('{"cells": "–"}', encoding="utf-8")
    text.write_text(FOREIGN, encoding="utf-8")
    np.save(pool, np.random.default_rng(0).normal(size=(24, 8)).astype(np.float32))
    np.savez(folder / "images.npz", images=np.zeros((4, 8, 8), np.uint8), labels=np.arange(4))
    paths = {"good": good, "bad": bad, "text": text, "pool": pool, "folder": folder}
    return {name: str(path) for name, path in paths.items()}
