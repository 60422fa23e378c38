"""Accept an upload: read it, check the quota under a lock, store it and queue its evaluation, once per key."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import PurePosixPath

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.competitions.service import (
    find_allowance,
    find_practice_allowance,
    find_preparation,
    load_competition,
)
from api.deps import Caller
from api.rules.service import check_accepted
from api.submissions.intake import Intake
from api.submissions.schemas import RequestedPurpose
from api.teams.service import find_or_make
from core.db.base import utc_now
from core.db.models.accounts import IdempotencyKey
from core.db.models.contests import Competition
from core.db.models.problems import EvaluationSpec
from core.db.models.submissions import Evaluation, EvaluationEvent, Submission
from core.db.queries import competitions, evaluations, idempotency, leaks, phases, pools
from core.db.session import reading, transaction
from core.domain.access import Action, check_allowed
from core.domain.competition import CompetitionState, check_taking
from core.domain.errors import Conflict, ParticipantFault, PhaseClosed, TooLarge
from core.domain.intake.given import Given, check_given
from core.domain.leaderboard import Purpose
from core.domain.notes import NoteReaders
from core.domain.phases import PhaseKind, PhaseState
from core.domain.quota import check_allowance
from core.domain.similarity import make_prints
from core.domain.submission import VERDICT_OF_FAULT, Status
from core.lifecycle import open_evaluation
from core.storage import BlobStore

FILENAME_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Upload:
    slug: str
    filename: str
    content: bytes
    note: str
    note_readers: NoteReaders
    purpose: RequestedPurpose
    key: str | None  # Idempotency-Key

    @property
    def sha256(self) -> str:
        """Identity of the request: the same key with another one is a mistake."""
        parts = [
            self.slug,
            self.filename,
            self.note,
            self.note_readers,
            self.purpose,
            hashlib.sha256(self.content).hexdigest(),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Target:
    """What an upload is evaluated under."""

    spec: EvaluationSpec
    phase: PhaseKind


@dataclass(frozen=True, slots=True)
class Accepted:
    submission_id: str
    replayed: bool


def accept_upload(engine: Engine, store: BlobStore, upload: Upload, caller: Caller, intake: Intake) -> Accepted:
    if upload.purpose is RequestedPurpose.REFERENCE:
        check_allowed(caller.role, Action.SUBMIT_REFERENCE)
    if len(upload.content) > intake.limit_bytes:
        raise TooLarge(f"the file is larger than {intake.limit_bytes:,} bytes; nothing was stored", field="file")
    with reading(engine) as session:
        competition = load_competition(session, upload.slug, caller)
        if (earlier := _find_replay(session, upload, caller)) is not None:
            return Accepted(earlier, replayed=True)
        _check_open(session, competition)
        target = _find_target(session, competition, upload.purpose)
        _check_entry(session, competition, upload, caller)
        given = target.spec.terms.problem.given
    prints, fault = _read(upload, intake, given)
    digest = store.put(upload.content)
    with transaction(engine) as session:
        locked = competitions.lock_competition(session, competition.id)
        if (earlier := _find_replay(session, upload, caller)) is not None:
            return Accepted(earlier, replayed=True)
        check_taking(locked.slug, locked.state, locked.closes_at, utc_now())
        _check_entry(session, locked, upload, caller)
        submission = _store_submission(session, locked, upload, caller, digest, prints)
        if fault is None:
            evaluation = open_evaluation(session, submission, target.spec, phase=target.phase)
            evaluation.held = leaks.find_hold(session, locked, evaluation, caller.member_id)
        else:
            _store_rejection(session, submission, target, fault)
        return Accepted(submission.id, replayed=False)


def find_given(engine: Engine, slug: str, purpose: RequestedPurpose, caller: Caller) -> Given:
    """What the phase that a file is meant for gives, for whoever only wants it looked at."""
    with reading(engine) as session:
        target = _find_target(session, load_competition(session, slug, caller), purpose)
        return target.spec.terms.problem.given


def clean_filename(name: str) -> str:
    """The last part of the client's path, printable and short; it is shown on pages and terminals."""
    last = PurePosixPath(name.replace("\\", "/")).name
    printable = "".join(letter if letter.isprintable() else "_" for letter in last)
    return printable[-FILENAME_LENGTH:] or "submission.py"


def _find_replay(session: Session, upload: Upload, caller: Caller) -> str | None:
    if upload.key is None:
        return None
    earlier = idempotency.fetch_key(session, caller.member_id, upload.key)
    if earlier is None:
        return None
    if earlier.request_sha256 != upload.sha256:
        raise Conflict("this Idempotency-Key was used for another upload; use a new key for a new upload")
    return earlier.object_id


def _check_open(session: Session, competition: Competition) -> None:
    if competition.state != CompetitionState.PREPARING:
        check_taking(competition.slug, competition.state, competition.closes_at, utc_now())
        return
    preparation = find_preparation(session, competition)
    message = (
        f"{competition.slug} is preparing and takes no submissions now: stage {preparation.stage},"
        f" {preparation.finished} of {preparation.total} models trained"
    )
    if competition.fault:
        message += f"; it cannot go on: {competition.fault}"
    raise PhaseClosed(message)


def _find_target(session: Session, competition: Competition, purpose: RequestedPurpose) -> Target:
    if purpose is not RequestedPurpose.PRACTICE:
        return Target(competition.spec, PhaseKind.PUBLIC)
    found = phases.fetch_practice_phase(session, competition.id)
    if found is None:
        raise PhaseClosed(f"{competition.slug} has no practice phase; `lacuna evaluate` scores a file on your machine")
    if pools.has_retired(session, found.spec_id):
        raise PhaseClosed(f"the practice phase of {competition.slug} is over: its pools are retired")
    if found.state != PhaseState.READY:
        raise PhaseClosed(f"the practice phase of {competition.slug} is being prepared and takes no submissions yet")
    if competition.practice_daily_limit == 0:
        raise PhaseClosed(f"the organizers closed the practice phase of {competition.slug}")
    return Target(found.spec, PhaseKind.PRACTICE)


def _check_entry(session: Session, competition: Competition, upload: Upload, caller: Caller) -> None:
    if upload.purpose is RequestedPurpose.REFERENCE:  # these come from staff and are not limited
        return
    check_accepted(session, competition, caller)
    now = utc_now()
    find = find_practice_allowance if upload.purpose is RequestedPurpose.PRACTICE else find_allowance
    check_allowance(find(session, competition, caller.member_id, now), now)


def _read(upload: Upload, intake: Intake, given: Given) -> tuple[list[int], ParticipantFault | None]:
    """Prints of the code, by which copies are found, and what is wrong with it."""
    try:
        found = check_given(intake.read(upload.filename, upload.content), given)
    except ParticipantFault as fault:
        return [], fault
    return make_prints(found.files), None


def _store_submission(
    session: Session, competition: Competition, upload: Upload, caller: Caller, digest: str, prints: list[int]
) -> Submission:
    is_team = upload.purpose is not RequestedPurpose.REFERENCE
    submission = Submission(
        competition_id=competition.id,
        user_id=caller.member_id,
        team_id=find_or_make(session, competition, caller.member_id).id if is_team else None,
        filename=upload.filename,
        source_digest=digest,
        note=upload.note,
        note_readers=upload.note_readers,
        purpose=Purpose(upload.purpose),
        code_prints=prints,
    )
    evaluations.store_submission(session, submission)
    if upload.key is not None:
        row = IdempotencyKey(
            user_id=caller.member_id, key=upload.key, request_sha256=upload.sha256, object_id=submission.id
        )
        idempotency.store_key(session, row)
    return submission


def _store_rejection(session: Session, submission: Submission, target: Target, fault: ParticipantFault) -> None:
    """The upload cannot run: it is kept, shown with its verdict and given back; no worker hears of it."""
    total = target.spec.terms.evaluation.replicas
    evaluation = Evaluation(
        submission_id=submission.id,
        spec_id=target.spec.id,
        phase=target.phase,
        status=Status.QUEUED,
        replicas_total=total,
    )
    session.add(evaluation)
    session.flush()
    session.add(EvaluationEvent(evaluation_id=evaluation.id, status=Status.QUEUED))
    verdict = VERDICT_OF_FAULT[fault.code]
    evaluations.move(session, evaluation, Status.FINISHED, verdict=verdict, code=fault.code, reason=fault.message)
    evaluation.refunded = evaluations.is_given_back(session, evaluation, utc_now())
