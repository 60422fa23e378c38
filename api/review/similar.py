"""Submissions of two teams that are the same, or nearly, and both side by side."""

import hashlib
from difflib import SequenceMatcher
from functools import cache

from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller
from api.kept import Kept
from api.review.schemas import (
    AlikeEntry,
    AlikeList,
    AlikePair,
    FlagDecisionView,
    PairDecisionRequest,
    SideLine,
    Sides,
)
from core.db.base import utc_now
from core.db.models.review import PairDecision
from core.db.models.submissions import Submission
from core.db.queries import audit, evaluations, review
from core.domain.errors import NotFound, ParticipantFault
from core.domain.leaderboard import Purpose
from core.domain.similarity import Pair, find_pairs, make_prints
from core.reader.apart import read_apart
from core.starter import NAMES, read_starter
from core.storage import BlobStore

COMPARED = 3000  # the newest submissions of a competition
SHOWN_LINES = 2000  # of each of two sources
_PAIRS: Kept[list[Pair]] = Kept(most=64)


def list_alike(session: Session, slug: str, caller: Caller) -> AlikeList:
    """Computed once for what was submitted; what was decided about a pair is read every time."""
    competition = load_competition(session, slug, caller)
    state = review.find_code_state(session, competition.id)
    pairs = _PAIRS.get((competition.id, *state), lambda: _find_pairs(session, competition.id))
    rows = review.fetch_submissions(session, {key for pair in pairs for key in (pair.earlier, pair.later)})
    decisions = review.fetch_pair_decisions(session, competition.id)
    items = [
        AlikePair(
            earlier=_make_entry(rows[pair.earlier]),
            later=_make_entry(rows[pair.later]),
            share=pair.share,
            is_same_file=pair.is_same_file,
            decision=_make_decision(decisions.get((pair.earlier, pair.later))),
        )
        for pair in pairs
    ]
    return AlikeList(competition=slug, items=items)


def decide_pair(session: Session, slug: str, request: PairDecisionRequest, caller: Caller) -> AlikePair:
    """Dismiss or uphold; deciding again replaces the decision, and the audit log keeps both."""
    ids = (request.earlier, request.later)
    found = [pair for pair in list_alike(session, slug, caller).items if _name(pair) == ids]
    if not found:
        raise NotFound("no such pair of alike sources")
    competition = load_competition(session, slug, caller)
    row = review.fetch_pair_decisions(session, competition.id).get(ids)
    row = row or PairDecision(competition_id=competition.id, earlier_id=ids[0], later_id=ids[1])
    row.decision, row.reason, row.decided_by, row.decided_at = request.decision, request.reason, caller.name, utc_now()
    review.store_pair_decision(session, row)
    pair = found[0]
    detail = {
        "earlier": ids[0],
        "later": ids[1],
        "earlier_by": pair.earlier.by,
        "later_by": pair.later.by,
        "decision": row.decision,
        "reason": row.reason,
    }
    audit.record(session, actor=caller.name, action="alike.decide", subject=f"competition/{slug}", detail=detail)
    return pair.model_copy(update={"decision": _make_decision(row)})


def show_sides(session: Session, store: BlobStore, a: str, b: str, *, limit_bytes: int) -> Sides:
    """Both sources, line beside line."""
    found = [evaluations.fetch_submission(session, each) for each in (a, b)]
    if not all(found) or any(row is not None and row.purpose == Purpose.CALIBRATION for row in found):
        raise NotFound("no such pair of submissions")
    rows = [row for row in found if row is not None]
    left, right = (_read_lines(store, row, limit_bytes) for row in rows)
    lines = []
    matcher = SequenceMatcher(None, left, right)
    for tag, first, last, begin, end in matcher.get_opcodes():
        for place in range(max(last - first, end - begin)):
            ours = left[first + place] if first + place < last else None
            theirs = right[begin + place] if begin + place < end else None
            lines.append(SideLine(left=ours, right=theirs, is_same=tag == "equal"))
    decided = review.fetch_pair_decisions(session, rows[0].competition_id).get((a, b))
    return Sides(
        competition=rows[0].competition.slug,
        decision=_make_decision(decided),
        a=_make_entry(rows[0]),
        b=_make_entry(rows[1]),
        lines=lines,
    )


def _find_pairs(session: Session, competition_id: str) -> list[Pair]:
    """What references and the starter file have is everybody's, and does not count."""
    codes = review.fetch_codes(session, competition_id, limit=COMPARED)
    references = [code for code, purpose in codes if purpose is Purpose.REFERENCE]
    prints, files = _read_starter()
    known = prints.union(*(code.prints for code in references))
    known_files = files | {code.digest for code in references}
    return find_pairs([code for code, purpose in codes if purpose is not Purpose.REFERENCE], known, known_files)


def _name(pair: AlikePair) -> tuple[str, str]:
    return pair.earlier.submission_id, pair.later.submission_id


def _make_decision(row: PairDecision | None) -> FlagDecisionView | None:
    return FlagDecisionView.model_validate(row) if row is not None else None


def _read_lines(store: BlobStore, row: Submission, limit_bytes: int) -> list[str]:
    content = store.get(row.source_digest)
    try:
        files = read_apart(row.filename, content, limit_bytes=max(limit_bytes, len(content))).files
    except ParticipantFault as fault:
        return [f"cannot be read: {fault.message}"]
    lines: list[str] = []
    for name in sorted(files):
        if name.endswith(".py"):
            lines += [f"# {name}", *files[name].decode("utf-8", "replace").splitlines()]
    return lines[:SHOWN_LINES]


def _make_entry(row: Submission) -> AlikeEntry:
    by = row.team.name if row.team else row.user.name
    return AlikeEntry(submission_id=row.id, by=by, filename=row.filename, submitted_at=row.created_at)


@cache
def _read_starter() -> tuple[frozenset[int], frozenset[str]]:
    files = [read_starter(name).encode() for name in NAMES]
    prints = make_prints({"submission.py": read_starter("submission.py").encode()})
    return frozenset(prints), frozenset(hashlib.sha256(file).hexdigest() for file in files)
