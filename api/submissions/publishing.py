"""After the end an author may show a solution's code to everybody, under a licence; and who may read code at all."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from api.competitions.service import find_private_state, load_competition
from api.deps import Caller
from api.submissions.service import get_evaluation, is_insider, load_inside
from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.submissions import Submission
from core.db.queries import audit, evaluations, solutions
from core.domain.competition import CompetitionState
from core.domain.errors import Conflict, NotAllowed, NotFound, ParticipantFault
from core.domain.leaderboard import Purpose
from core.domain.licences import Licence
from core.domain.phases import PhaseState
from core.domain.submission import Verdict
from core.reader.apart import read_apart
from core.storage import BlobStore

LONGEST = 5000  # lines of one file


@dataclass(frozen=True, slots=True)
class CodeFile:
    name: str
    lines: tuple[str, ...]


def publish(session: Session, submission_id: str, licence: Licence, caller: Caller) -> Submission:
    """Anybody may read it from then on; a licence that was given is not taken back."""
    row = load_inside(session, submission_id, caller)
    if caller.user_id != row.user_id:
        raise NotAllowed("only who uploaded a submission may publish it")
    if row.published_at is not None:
        raise Conflict(f"it is published already, under {row.licence}")
    if not may_be_published(session, row):
        raise Conflict("a scored submission may be published once its competition has ended")
    row.published_at, row.licence = utc_now(), licence
    detail = {"licence": licence}
    audit.record(session, actor=caller.name, action="submission.publish", subject=f"submission/{row.id}", detail=detail)
    return row


def may_be_published(session: Session, submission: Submission) -> bool:
    """By its author: it was scored for real, stands, and nobody can copy it into the contest any more."""
    is_scored = get_evaluation(submission).verdict is Verdict.SCORED and submission.purpose == Purpose.RANKED
    return is_scored and submission.disqualified_at is None and has_ended(session, submission.competition)


def has_ended(session: Session, competition: Competition) -> bool:
    is_over = competition.state in (CompetitionState.CLOSED, CompetitionState.ARCHIVED)
    return is_over and find_private_state(session, competition) in (None, PhaseState.PUBLISHED)


def load_readable(session: Session, submission_id: str, caller: Caller) -> Submission:
    """For who may read its code: its author, staff, and everybody once it is published."""
    row = evaluations.fetch_submission(session, submission_id)
    if row is None or not row.evaluations:
        raise NotFound("no such submission")
    load_competition(session, row.competition.slug, caller)
    if not (row.published_at is not None or is_insider(row, caller)):
        raise NotFound("no such submission")
    return row


def list_solutions(session: Session, competition: Competition) -> list[Submission]:
    return solutions.fetch_published(session, competition.id)


def read_code(store: BlobStore, *, filename: str, digest: str, limit_bytes: int) -> list[CodeFile]:
    """What of the file is Python, as it would run; read in a process of its own, since it is a stranger's."""
    content = store.get(digest)
    try:
        files = read_apart(filename, content, limit_bytes=max(limit_bytes, len(content))).files
    except ParticipantFault:
        text = content.decode("utf-8", "replace") if filename.endswith(".py") else ""
        return [CodeFile(filename, tuple(text.splitlines()[:LONGEST]))] if text else []
    return [
        CodeFile(name, tuple(files[name].decode("utf-8", "replace").splitlines()[:LONGEST]))
        for name in sorted(files, key=lambda name: (name != "submission.py", name))
        if name.endswith(".py")
    ]
