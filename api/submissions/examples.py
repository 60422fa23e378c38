"""The single forget examples of a score, for who may see single examples."""

from sqlalchemy.orm import Session

from api.deps import Caller
from api.submissions.schemas import ExampleList, ExampleView
from api.submissions.service import get_evaluation, is_held_back, load_visible, sees
from core.db.queries import evaluations
from core.domain.errors import NotFound


def load_examples(session: Session, submission_id: str, caller: Caller) -> ExampleList:
    """As the worker kept them; on a hidden problem it keeps none."""
    submission = load_visible(session, submission_id, caller)
    if not sees(submission, "plots", caller) or is_held_back(session, submission, caller):
        raise NotFound("single examples of this submission are shown to nobody: they would tell the forget set")
    found = evaluations.fetch_examples(session, get_evaluation(submission).id)
    return ExampleList(items=[ExampleView.model_validate(each) for each in found])
