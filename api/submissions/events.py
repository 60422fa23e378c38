"""The life of one submission as server-sent events: every move once, progress when it changes, then the end."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

from anyio import sleep, to_thread
from fastapi.sse import ServerSentEvent
from sqlalchemy import Engine

from api.deps import Caller
from api.submissions import service
from core.db.queries import evaluations
from core.db.session import reading
from core.domain.submission import Status, Verdict

POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Move:
    id: int
    values: dict[str, object]


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
            yield ServerSentEvent(event="status", id=str(move.id), data=move.values)
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
        reason = service.find_reason(submission, evaluation, caller)
        moves = tuple(
            Move(
                event.id,
                {
                    "at": event.at,
                    "status": event.status,
                    "verdict": event.verdict,
                    "detail": reason if event.status == Status.FINISHED else event.detail,
                },
            )
            for event in evaluations.fetch_events(session, evaluation.id, after=after)
        )
        progress = service.make_progress(evaluation)
        return Snapshot(
            moves=moves,
            progress={
                "status": evaluation.status,
                "finished": progress.finished,
                "total": progress.total,
                "queue_position": service.find_queue_position(session, evaluation),
            },
            verdict=evaluation.verdict,
        )
