"""What ran when a backup was taken runs to the same score on another machine."""

from pathlib import Path

import pytest

from core.backup.restoring import restore_backup
from core.backup.taking import take_backup
from core.db.base import utc_now
from core.db.models.submissions import Evaluation
from core.db.session import get_engine, reading
from core.domain.submission import Status, Verdict
from core.storage import FolderStore
from tests.unit.worker.conftest import FakeSandbox, Platform, make_spec
from worker.jobs import reminders
from worker.jobs.context import WorkerContext
from worker.jobs.sweep import sweep
from worker.runner.base import RunRequest


def test_an_evaluation_that_was_running_ends_with_the_score_of_one_that_nobody_disturbed(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "backup"

    def back_up_once(_request: RunRequest) -> None:
        """While the worker holds the canary's lease, and the outbox no message of it."""
        platform.sandbox.before = lambda _request: None
        take_backup(platform.engine, FolderStore(tmp_path / "store"), folder, utc_now())

    competition = platform.open_competition(make_spec())
    evaluation_id = platform.submit(competition)
    platform.sandbox.before = back_up_once
    platform.run_until_quiet()
    undisturbed = read(platform, evaluation_id)
    assert undisturbed.verdict is Verdict.SCORED

    other = make_empty(platform, tmp_path / "other")
    restored = restore_backup(other.engine, lambda: FolderStore(tmp_path / "other" / "store"), folder)
    assert (restored.freed, restored.breaks) == (1, ())
    assert read(other, evaluation_id).status is not Status.FINISHED
    monkeypatch.setattr(reminders, "read_messages", lambda _url, _queues: set())  # the new broker holds nothing
    sweep(other.context)
    other.run_until_quiet()
    assert read(other, evaluation_id).score == undisturbed.score


def make_empty(platform: Platform, folder: Path) -> Platform:
    engine, sandbox = get_engine(f"sqlite:///{folder / 'lacuna.sqlite'}"), FakeSandbox()
    settings = platform.context.settings.model_copy(update={"data_folder": folder})
    return Platform(WorkerContext(settings, engine, FolderStore(folder / "store"), sandbox), sandbox, engine)


def read(platform: Platform, evaluation_id: str) -> Evaluation:
    with reading(platform.engine) as session:
        return session.get_one(Evaluation, evaluation_id)
