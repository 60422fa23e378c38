"""Submissions of two teams that are the same, or nearly, and both side by side."""

import hashlib
from difflib import SequenceMatcher
from functools import cache

from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller
from api.review.schemas import AlikeEntry, AlikeList, AlikePair, SideLine, Sides
from core.db.models.submissions import Submission
from core.db.queries import evaluations, review
from core.domain.errors import NotFound, ParticipantFault
from core.domain.leaderboard import Purpose
from core.domain.similarity import find_pairs, make_prints
from core.reader.apart import read_apart
from core.starter import NAMES, read_starter
from core.storage import BlobStore

COMPARED = 3000  # the newest submissions of a competition
SHOWN_LINES = 2000  # of each of two sources


def list_alike(session: Session, slug: str, caller: Caller) -> AlikeList:
    """What references and the starter file have is everybody's, and does not count."""
    competition = load_competition(session, slug, caller)
    codes = review.fetch_codes(session, competition.id, limit=COMPARED)
    references = [code for code, purpose in codes if purpose is Purpose.REFERENCE]
    prints, files = _read_starter()
    known = prints.union(*(code.prints for code in references))
    known_files = files | {code.digest for code in references}
    ranked = [code for code, purpose in codes if purpose is not Purpose.REFERENCE]
    pairs = find_pairs(ranked, known, known_files)
    rows = review.fetch_submissions(session, {key for pair in pairs for key in (pair.earlier, pair.later)})
    items = [
        AlikePair(
            earlier=_make_entry(rows[pair.earlier]),
            later=_make_entry(rows[pair.later]),
            share=pair.share,
            is_same_file=pair.is_same_file,
        )
        for pair in pairs
    ]
    return AlikeList(competition=slug, items=items)


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
    return Sides(a=_make_entry(rows[0]), b=_make_entry(rows[1]), lines=lines)


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
