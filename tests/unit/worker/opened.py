"""An open competition of each problem, prepared once a process and copied from then on: training takes seconds.

Only for tests to which it is given; what preparing does is tested by those that do it step by step.
"""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, exists, select

from core.db.models.accounts import User
from core.db.models.contests import Competition
from core.db.models.operations import Node, Outbox
from core.db.models.problems import Problem
from core.db.session import reading
from core.problems import ProblemSpec
from worker.runner.base import RunRequest

EMPTY_AT_FIRST = (Competition, Node, Outbox, Problem, User)
_folder = tempfile.TemporaryDirectory(prefix="lacuna-opened-")


@dataclass(frozen=True)
class Opened:
    database: Path
    store: Path
    requests: tuple[RunRequest, ...]  # what a sandbox was asked for


_opened: dict[str, Opened] = {}


def is_untouched(engine: Engine) -> bool:
    """Whether nothing but the migrations wrote to the database."""
    with reading(engine) as session:
        return not any(session.scalar(select(exists().select_from(model))) for model in EMPTY_AT_FIRST)


def open_once(
    spec: ProblemSpec, engine: Engine, store: Path, requests: list[RunRequest], prepare: Callable[[], None]
) -> None:
    """Leave database, store and sandbox as preparing does."""
    phases = [part.model_dump_json() for part in (spec.private, spec.practice) if part is not None]  # a dump hides them
    database, key = Path(str(engine.url.database)), " ".join([spec.model_dump_json(), *phases])
    if key not in _opened:
        prepare()
        engine.dispose()  # folds the write-ahead log into the file
        kept = Path(_folder.name) / str(len(_opened))
        shutil.copytree(store, kept / "store")
        shutil.copyfile(database, kept / database.name)
        _opened[key] = Opened(kept / database.name, kept / "store", tuple(requests))
        return
    opened = _opened[key]
    engine.dispose()
    shutil.copyfile(opened.database, database)
    shutil.copytree(opened.store, store, dirs_exist_ok=True)
    requests.extend(opened.requests)
