"""Waiting for a submission: polled, so that a server that restarts is no failure."""

import time
from collections.abc import Callable
from typing import Any

from client.failures import CommandFailed, Exit
from client.http import LacunaClient, ServerUnreachable
from client.progress import StageProgress
from core.domain.submission import Status

OUTAGE_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 3.0


def wait_until_finished(
    client: LacunaClient,
    submission_id: str,
    *,
    timeout: float | None,
    progress: StageProgress,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Return the finished submission. A time-out ends the waiting, not the submission."""
    started = last_answer = clock()
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            state = client.get_submission(submission_id)
            last_answer = clock()
        except ServerUnreachable:
            if clock() - last_answer > OUTAGE_SECONDS:
                raise
        else:
            if state["status"] == Status.FINISHED:
                return state
            progress.update(state["status"], state["progress"]["finished"], state["progress"]["total"])
        if timeout is not None and clock() - started + pause > timeout:
            raise CommandFailed(
                f"submission {submission_id} has not ended after {timeout:g} s; it goes on",
                exit_code=Exit.TIMEOUT,
                hint=f"come back to it with `lacuna status {submission_id} --wait`",
            )
        sleep(pause)
        pause = min(1.5 * pause, LONGEST_PAUSE_SECONDS)
