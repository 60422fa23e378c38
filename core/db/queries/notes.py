"""SQL about the notes on submissions, as a board shows them."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db.models.submissions import Submission
from core.domain.notes import NoteReaders


def fetch_notes(session: Session, submission_ids: Collection[str]) -> dict[str, str]:
    """Of the notes that everybody may read; they are no part of a board, so that their authors can change them."""
    query = select(Submission.id, Submission.note).where(
        Submission.id.in_(submission_ids), Submission.note_readers == NoteReaders.EVERYBODY, Submission.note != ""
    )
    return {key: note for key, note in session.execute(query)}


def find_last_note(session: Session, competition_id: str) -> datetime | None:
    """When a note of the competition was changed last."""
    query = select(func.max(Submission.note_edited_at)).where(Submission.competition_id == competition_id)
    return session.scalars(query).one()
