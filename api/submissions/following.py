"""What the page of a submission says beside its numbers: how far it is, where it stands, where it failed."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from api.deps import Caller
from api.leaderboard import service as leaderboard
from api.leaderboard.current import find_current_view
from api.leaderboard.schemas import LeaderboardEntry
from api.submissions.schemas import SubmissionView
from core.db.models.submissions import Submission
from core.db.queries.history import OwnTeam
from core.domain.leaderboard import Place
from core.domain.submission import Status

NEAR = 6  # lines above one's own among which the next ranked one is looked for
STAGES = {
    Status.QUEUED: "Waiting for a free node",
    Status.CANARY: "The first replicas run: does it work, and what does it cost?",
    Status.RUNNING: "All replicas run",
    Status.SCORING: "Every replica ran; attackers compare the models with retrained ones",
    Status.CANCELLING: "Being cancelled",
    Status.FINISHED: "Done",
}
_FRAME = re.compile(r'File "(?:[^"\n]*/)?([\w.-]+\.py)", line (\d{1,6})|\b(line) (\d{1,6})\b')


@dataclass(frozen=True, slots=True)
class Standing:
    """The place of this very submission on the board that its reader sees."""

    entry: LeaderboardEntry
    ranked: int
    above: LeaderboardEntry | None
    gap: float | None  # to the score above


@dataclass(frozen=True, slots=True)
class Failure:
    """The last line that is named of why it failed."""

    file: str
    line: int


def find_standing(session: Session, row: Submission, caller: Caller) -> Standing | None:
    if row.team_id is None or row.team is None:
        return None
    view = find_current_view(session, row.competition, caller)
    own = leaderboard.load_own(session, view, OwnTeam(row.team_id, row.team.name))
    if own.entry is None or own.position is None or own.entry.submission_id != row.id:
        return None
    first = max(own.position - NEAR, 0)
    near = leaderboard.load_entries(session, view, limit=own.position - first, offset=first) if own.position else []
    above = next((each for each in reversed(near) if each.place is Place.RANKED), None)
    known = above is not None and above.score is not None and own.entry.score is not None
    gap = above.score - own.entry.score if known and above and above.score and own.entry.score is not None else None
    return Standing(own.entry, own.ranked, above, gap)


def estimate_left(view: SubmissionView, now: datetime) -> float | None:
    """Seconds, at the speed so far, from what the reader is told anyway."""
    done, total = view.progress.finished, view.progress.total
    if view.started_at is None or view.status not in (Status.CANARY, Status.RUNNING) or not 0 < done < total:
        return None
    return (now - view.started_at).total_seconds() * (total - done) / done


def find_failure(view: SubmissionView) -> Failure | None:
    """In what its reader is told: the log of an open problem, or the one line that says why."""
    found = [*_FRAME.finditer(view.log or "")] or [*_FRAME.finditer(view.reason)]
    if not found:
        return None
    frame = found[-1]
    return Failure(frame[1] or "submission.py", int(frame[2] or frame[4]))
