"""What became of a submission so far, as its reader may know it: every move, and how it ended."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from api.deps import Caller
from api.submissions import service
from core.db.models.submissions import Submission
from core.db.queries import evaluations
from core.domain.coarse import begin_minute
from core.domain.submission import Status, Verdict


@dataclass(frozen=True, slots=True)
class Move:
    id: int
    at: datetime
    status: Status
    verdict: Verdict | None
    detail: str


def list_moves(session: Session, submission: Submission, caller: Caller, *, after: int = 0) -> list[Move]:
    evaluation = service.get_evaluation(submission)
    reason = service.find_reason(session, submission, evaluation, caller)
    is_coarse = service.look(session, submission, caller).is_coarse
    verdict = find_verdict(session, submission, caller)
    return [
        Move(
            id=event.id,
            at=(begin_minute(event.at) if is_coarse else None) or event.at,
            status=event.status,
            verdict=verdict if event.verdict else None,
            detail=reason if event.status == Status.FINISHED else "" if is_coarse else event.detail,
        )
        for event in evaluations.fetch_events(session, evaluation.id, after=after)
    ]


def find_verdict(session: Session, submission: Submission, caller: Caller) -> Verdict | None:
    return service.tell_verdict(service.get_evaluation(submission), service.look(session, submission, caller))
