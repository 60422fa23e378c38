"""Every command that the guides print, run as it is printed and in its order, against a real server.

A thread stands in for the workers and does at once what takes them minutes; the real ones are in tests/e2e.
"""

import re
import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from cli.app import app
from core.db.base import utc_now
from core.db.models.accounts import User
from core.db.models.contests import Competition
from core.db.models.data_sets import DataSetVersion
from core.db.models.lifecycle import Announcement
from core.db.models.problems import EvaluationSpec, Problem
from core.db.models.rejudges import Rejudge
from core.db.models.submissions import Evaluation, Shard, Submission
from core.db.queries import evaluations
from core.db.session import transaction
from core.domain.competition import CompetitionState
from core.domain.data_sets import DataSetStatus
from core.domain.submission import Status, Verdict
from core.domain.work import WorkState
from core.settings import get_settings
from tests import factories
from tests.integration.api.conftest import Site
from tests.scorecard_bodies import make_scorecard_body

pytestmark = pytest.mark.integration
GUIDES = Path(__file__).parents[3] / "docs/guides"
SKIPPED = {
    "source .venv/bin/activate": "of the shell",
    "lacuna up": "the server of this test",
    "lacuna doctor": "needs a sandbox: tests/integration/sandbox",
    "lacuna evaluate": "trains pools: the demo of the continuous integration",
}
REFUSED = {  # what a comment on the line says
    "lacuna admin pools activate shapes": 'only with `open = "by hand"`',
}
PASSWORD = "correct horse battery"


def list_commands(guide: str) -> list[str]:
    text = (GUIDES / f"{guide}.md").read_text()
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines()]
    commands = [shlex.join(shlex.split(line, comments=True)) for line in lines]
    return [command for command in commands if command and not any(command.startswith(each) for each in SKIPPED)]


def work(session: Session) -> None:
    """What workers do: read uploads, look at problems, prepare competitions, score."""
    for version in session.scalars(select(DataSetVersion).where(DataSetVersion.outcome.is_(None))):
        version.state, version.outcome, version.digest = WorkState.DONE, DataSetStatus.READY, version.source_digest
        classes = [{"name": name, "train": 150, "test": 0} for name in "abcdef"]
        shape = {"shape": [1, 8, 8], "dtype": "float32", "bytes": 230_400, "classes": classes, "samples": []}
        version.summary = {"train": 900, "test": 0} | shape
    for row in session.scalars(select(Competition).where(Competition.state == CompetitionState.PREPARING)):
        row.prepared_at, row.state = utc_now(), CompetitionState.OPEN
    for row in session.scalars(select(Competition)):
        if session.get_one(Problem, session.get_one(EvaluationSpec, row.spec_id).problem_id).preview is None:
            factories.make_preview(session, row)
    for run in session.scalars(select(Evaluation).where(Evaluation.status != Status.FINISHED)):
        _score(session, run)


def _score(session: Session, run: Evaluation) -> None:
    body = make_scorecard_body(0.4)
    factories.make_scorecard(session, run, body)
    run.score, run.score_low, run.score_high, run.relative_runtime = 0.4, 0.37, 0.43, 0.05
    run.score_error = 0.015
    for shard in session.scalars(select(Shard).where(Shard.evaluation_id == run.id)):
        shard.state, shard.finished_replicas = WorkState.DONE, shard.count
    run.status = Status.SCORING
    evaluations.move(session, run, Status.FINISHED, verdict=Verdict.SCORED)


@contextmanager
def working(site: Site) -> Iterator[None]:
    done = threading.Event()
    failed: list[BaseException] = []

    def turn() -> None:
        while not done.wait(0.05) and not failed:
            try:
                with transaction(site.engine) as session:
                    work(session)
            except BaseException as error:
                failed.append(error)

    thread = threading.Thread(target=turn)
    thread.start()
    yield
    done.set()
    thread.join()
    if failed:
        raise failed[0]


@pytest.fixture
def follow(
    start_site: Callable[..., Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., None]]:
    """Run the commands of a guide; `names` says what the words in capitals stand for."""
    site = start_site(registrations_per_hour=50)
    home = {"LACUNA_URL": site.url, "LACUNA_DATA_FOLDER": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    for name, value in (home | {"LACUNA_PASSWORD": PASSWORD}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("LACUNA_TOKEN", raising=False)
    get_settings.cache_clear()
    monkeypatch.chdir(tmp_path)

    def run(guide: str, prepare: Callable[[Session], None], names: dict[str, Callable[[Session, str], str]]) -> None:
        with transaction(site.engine) as session:
            prepare(session)
        commands = list_commands(guide)
        assert len(commands) > 8
        with working(site):
            for command in commands:
                for word, find in names.items():
                    if re.search(rf"\b{word}\b", command):
                        with transaction(site.engine) as session:
                            command = re.sub(rf"\b{word}\b", find(session, command), command)
                result: Any = CliRunner().invoke(app, shlex.split(command)[1:], input="y\n")
                is_refused = any(command.startswith(each) for each in REFUSED)
                assert (result.exit_code != 0) == is_refused, f"{command}: {result.output} {result.exception!r}"

    yield run
    get_settings.cache_clear()


def find_newest(kind: Any) -> Callable[[Session, str], str]:
    return lambda session, _: str(session.scalars(select(kind.id).order_by(kind.id.desc()).limit(1)).one())


def test_the_admin_s_commands_run_as_they_are_printed(follow: Callable[..., None], tmp_path: Path) -> None:
    text = (GUIDES / "admin.md").read_text()
    (tmp_path / "competition.toml").write_text(re.findall(r"```toml\n(.*?)```", text, re.S)[0])
    (tmp_path / "shapes.npz").write_bytes(b"a file that the stand-in does not read")
    follow("admin", lambda session: None, {})


def prepare_contest(session: Session) -> None:
    """An open competition with a flagged entry, one that we failed, a private phase, and a practice phase."""
    row = factories.make_competition(session, "digits")
    factories.make_private_phase(session, row)
    for name in ("ann", "bob"):
        user = factories.make_user(session, name)
        factories.find_or_make_team(session, row, user)
    flag = {"code": "copied_member", "severity": "high", "value": 1.0, "threshold": 0.5, "detail": "It is a copy."}
    ann = session.scalars(select(User).where(User.name == "ann")).one()
    team = factories.find_or_make_team(session, row, ann)
    entry = factories.make_submission(session, row, ann, team_id=team.id)
    body = make_scorecard_body(0.5) | {"flags": [flag]}
    values = {"score": 0.5, "score_low": 0.47, "score_high": 0.53, "relative_runtime": 0.05}
    factories.make_evaluation(session, entry, verdict="scored", card=body, **values)
    failed = factories.make_submission(session, row, ann, team_id=team.id)
    factories.make_evaluation(session, failed, verdict="platform_error")


def find_id(session: Session, command: str) -> str:
    return find_newest(Rejudge if " rejudge " in command else Announcement)(session, command)


def test_the_organizer_s_commands_run_as_they_are_printed(follow: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "rules.md").write_text("Be *fair*.")
    (tmp_path / "news.md").write_text("Two days **left**.")

    def find_flagged(session: Session, _: str) -> str:
        return str(session.scalars(select(Evaluation.id).where(Evaluation.verdict == Verdict.SCORED)).first())

    def find_entry(session: Session, _: str) -> str:
        return str(session.get_one(Evaluation, find_flagged(session, "")).submission_id)

    follow("organizer", prepare_contest, {"EVALUATION": find_flagged, "SUBMISSION": find_entry, "ID": find_id})


def prepare_entrance(session: Session) -> None:
    """An open competition, and a hidden one with a practice phase."""
    factories.make_competition(session, "digits")
    hidden = factories.make_competition(session, "hidden", title="Hidden")
    factories.make_practice_phase(session, hidden)
    factories.make_user(session, "friend")


def test_the_participant_s_commands_run_as_they_are_printed(follow: Callable[..., None]) -> None:
    names: dict[str, Callable[[Session, str], str]] = {
        "SUBMISSION_ID": lambda session, _: str(session.scalars(select(Submission.id).order_by(Submission.id)).first()),
        "ANOTHER_ACCOUNT": lambda session, _: "friend",
        "COMPETITION": lambda session, _: "hidden",
        "ID": find_newest(Submission),
    }
    follow("participant", prepare_entrance, names)
