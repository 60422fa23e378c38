"""`python -m tests.integration.chaos.nursery`: starts the platform's processes with the large libraries read already.

A line of JSON in, the number of a new process out. Nothing that is read before the fork has looked at a database or a
broker, and what a box promises was tried once for all; what is born here stands alone: it is killed, frozen and ended
like any other process.
"""

import json
import os
import runpy
import signal
import sys
from dataclasses import dataclass
from typing import Any

import celery.apps.worker
import celery.concurrency.prefork
import fastapi
import kombu.transport.redis
import psycopg
import torch
import uvicorn

import core.db.session
import sandbox.problems.digits.data
import sandbox.problems.digits.model
import worker.report.drawing
import worker.report.page
import worker.runner.choose
import worker.scorecard.card
import worker.training.headroom
from core.settings import Settings
from evaluator.warm_up import warm_up
from tests.integration.chaos.dying import die_with_parent
from tests.integration.chaos.machines import SANDBOX
from worker.jobs.checking import check_node

READ = (celery.apps.worker, celery.concurrency.prefork, fastapi, kombu.transport.redis, psycopg, uvicorn)
READ_OURS = (core.db.session, sandbox.problems.digits, worker.report, worker.runner, worker.scorecard, worker.training)


@dataclass(frozen=True)
class Birth:
    module: str  # as after `python -m`
    arguments: list[str]
    environment: dict[str, str]
    log: str


def main() -> None:
    torch.set_num_threads(1)  # threads of its own would not survive a fork
    warm_up()
    check_node(Settings(sandbox=SANDBOX))
    for line in sys.stdin:
        values: dict[str, Any] = json.loads(line)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever ended is gone, and no zombie looks alive
        if not os.fork():
            return _live(Birth(**values))


def _live(birth: Birth) -> None:
    os.setsid()
    die_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.write(sys.stdout.fileno(), f"{os.getpid()}\n".encode())  # from now on the whole group can be killed
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(birth.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for target, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, target)
    os.environ.update(birth.environment)
    sys.argv = [birth.module, *birth.arguments]
    runpy.run_module(birth.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
