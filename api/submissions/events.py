"""The life of one submission as server-sent events: every move once, progress when it changes, then the end."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

from anyio import sleep, to_thread
from fastapi.sse import ServerSentEvent
from sqlalchemy import Engine

from api.deps import Caller
from api.submissions import service
from api.submissions.moves import Move, find_verdict, list_moves
from core.db.session import reading
from core.domain.submission import Verdict

POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one look at the database shows."""

    moves: tuple[Move, ...]
    progress: dict[str, object]
    verdict: Verdict | None

    @property
    def is_final(self) -> bool:
        return self.verdict is not None


async def follow(engine: Engine, submission_id: str, caller: Caller, *, after: int) -> AsyncIterator[ServerSentEvent]:
    """Yield until the evaluation is finished; a client that left cancels us at the next wait."""
    last, shown = after, None
    while True:
        # a thread per look, not per viewer
        snapshot = await to_thread.run_sync(partial(_look, engine, submission_id, caller, last))
        for move in snapshot.moves:
            last = move.id
            told = {"at": move.at, "status": move.status, "verdict": move.verdict, "detail": move.detail}
            yield ServerSentEvent(event="status", id=str(move.id), data=told)
        if snapshot.progress != shown:
            shown = snapshot.progress
            yield ServerSentEvent(event="progress", data=shown)
        if snapshot.is_final:
            yield ServerSentEvent(event="end", data={"verdict": snapshot.verdict})
            return
        await sleep(POLL_SECONDS)


def _look(engine: Engine, submission_id: str, caller: Caller, after: int) -> Snapshot:
    with reading(engine) as session:
        submission = service.load_visible(session, submission_id, caller)
        evaluation = service.get_evaluation(submission)
        progress = service.find_progress(session, submission, caller)
        return Snapshot(
            moves=tuple(list_moves(session, submission, caller, after=after)),
            progress={
                "status": evaluation.status,
                "finished": progress.finished,
                "total": progress.total,
                "queue_position": service.find_queue_position(session, evaluation),
            },
            verdict=find_verdict(session, submission, caller),
        )
