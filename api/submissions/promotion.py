"""Submit for real: the source of a practice submission once more, to the public phase and under its quota."""

from sqlalchemy import Engine

from api.deps import Caller
from api.submissions.acceptance import Accepted, Upload, accept_upload
from api.submissions.intake import Intake
from api.submissions.schemas import RequestedPurpose
from api.submissions.service import is_author, load_inside
from core.db.session import reading
from core.domain.errors import Conflict, NotAllowed
from core.domain.leaderboard import Purpose
from core.storage import BlobStore


def promote(
    engine: Engine, store: BlobStore, submission_id: str, caller: Caller, *, key: str | None, intake: Intake
) -> Accepted:
    """The practice submission stays as it is; what is made is a submission like any other."""
    with reading(engine) as session:
        submission = load_inside(session, submission_id, caller)
        if not is_author(submission, caller):
            raise NotAllowed("only its author or a member of its team may promote it")
        if submission.purpose != Purpose.PRACTICE:
            raise Conflict("this submission is not a practice submission: it is in the contest already")
    upload = Upload(
        slug=submission.competition.slug,
        filename=submission.filename,
        content=store.get(submission.source_digest),
        note=submission.note,
        note_readers=submission.note_readers,
        purpose=RequestedPurpose.RANKED,
        key=key,
    )
    return accept_upload(engine, store, upload, caller, intake)
