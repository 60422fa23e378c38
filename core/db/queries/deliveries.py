"""SQL about messages on their way to people: written with the change they tell of, claimed, settled, listed."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, Select, delete, func, or_, select, update
from sqlalchemy.orm import Session

from core.db.base import utc_now
from core.db.models.accounts import User
from core.db.models.contests import Competition, Team, TeamMember
from core.db.models.lifecycle import DiscussionThread, Phase
from core.db.models.notifications import Delivery, InboxMessage, MailAddress, Webhook
from core.db.models.problems import EvaluationSpec
from core.db.models.rejudges import Rejudge
from core.db.models.submissions import Evaluation, Submission
from core.db.queries import boards, discussion
from core.domain.answers import select_message
from core.domain.competition import CompetitionState
from core.domain.exposure import Outcome, Reader, Sight, tell_outcome
from core.domain.faults import HINTS
from core.domain.leaderboard import Purpose
from core.domain.notifications import DEADLINE_TOLD, INVITES_TOLD_A_DAY, DeliveryState, Event
from core.domain.phases import PhaseKind, find_stage
from core.domain.submission import Status, Verdict


def announce(session: Session, event: Event, user_ids: Collection[str], data: Mapping[str, Any]) -> None:
    """Tell each of these accounts in its inbox, and wherever else it asked to be told, once the change is committed."""
    data = select_message(event, data)
    session.add_all(InboxMessage(user_id=user_id, event=event, body=dict(data)) for user_id in sorted(user_ids))
    hooks = select(Webhook).where(Webhook.user_id.in_(user_ids), Webhook.disabled_at.is_(None))
    mails = select(MailAddress).where(MailAddress.user_id.in_(user_ids), MailAddress.confirmed_at.is_not(None))
    for hook in session.scalars(hooks):
        if event in hook.events:
            store_delivery(session, hook.user_id, event, data, target=hook.url, webhook_id=hook.id)
    for mail in session.scalars(mails):
        if event in mail.events:
            store_delivery(session, mail.user_id, event, data, target=mail.address)


def announce_finished(session: Session, evaluation: Evaluation) -> None:
    """Tell the authors how their submission ended: once, and never of a run that only staff may see."""
    if not evaluation.counts or evaluation.rejudge_id is not None or evaluation.phase != PhaseKind.PUBLIC:
        return
    query = (
        select(Submission, Competition.slug, Competition.spec_id, Team.name)
        .join(Competition, Submission.competition_id == Competition.id)
        .outerjoin(Team, Submission.team_id == Team.id)
        .where(Submission.id == evaluation.submission_id, Submission.purpose != Purpose.CALIBRATION)
    )
    found = session.execute(query).one_or_none()
    if found is None or found.spec_id != evaluation.spec_id or _ended_before(session, evaluation):
        return
    submission: Submission = found.Submission
    told = _tell_outcome(evaluation, _find_sight(session, evaluation))
    announce(
        session,
        Event.EVALUATION_FINISHED,
        _find_authors(session, submission),
        {
            "submission_id": submission.id,
            "competition": found.slug,
            "team": found.name or "",
            "filename": submission.filename,
            "verdict": told.verdict,
            "code": told.code or "",
            "hint": HINTS[told.code] if told.code else "",
        },
    )


def announce_rejudged(session: Session, rejudge: Rejudge, replaced: Mapping[str, Evaluation]) -> None:
    """Tell the authors whose results a promotion changed, with what they were.

    replaced: by submission, what counted before.
    """
    query = (
        select(Evaluation, Submission, Competition.slug, Team.name)
        .join(Submission, Evaluation.submission_id == Submission.id)
        .join(Competition, Submission.competition_id == Competition.id)
        .outerjoin(Team, Submission.team_id == Team.id)
        .where(Evaluation.rejudge_id == rejudge.id, Evaluation.counts)
    )
    for evaluation, submission, slug, team in session.execute(query).all():
        old = replaced.get(submission.id)
        if old is None or (old.verdict, old.score) == (evaluation.verdict, evaluation.score):
            continue
        sight = _find_sight(session, evaluation)
        scores = (None, None) if sight.is_coarse else (old.score, evaluation.score)  # the page has what is told
        data = {
            "submission_id": submission.id,
            "competition": slug,
            "phase": evaluation.phase,
            "team": team or "",
            "filename": submission.filename,
            "old_verdict": _tell_outcome(old, sight).verdict,
            "verdict": _tell_outcome(evaluation, sight).verdict,
            "old_score": scores[0],
            "score": scores[1],
            "reason": rejudge.reason,
        }
        announce(session, Event.EVALUATION_REJUDGED, _find_authors(session, submission), data)


def announce_invitation(session: Session, team: Team, user_id: str, *, slug: str, inviter: str) -> None:
    """Tell who is invited, up to a number a day."""
    day_ago = utc_now() - timedelta(days=1)
    if count_since(session, user_id, Event.TEAM_INVITED, day_ago) < INVITES_TOLD_A_DAY:
        data = {"competition": slug, "team": team.name, "invited_by": inviter}
        announce(session, Event.TEAM_INVITED, [user_id], data)


def announce_posted(session: Session, competition: Competition, *, title: str, text: str) -> None:
    """Tell everybody who is in a team of the competition what its organizers say."""
    members = select(TeamMember.user_id).where(TeamMember.competition_id == competition.id)
    data = {"competition": competition.slug, "title": title, "text": text}
    announce(session, Event.ANNOUNCEMENT_POSTED, set(session.scalars(members)), data)


def announce_results(session: Session, competition: Competition) -> None:
    """Tell everybody who is in a team of the competition that its final board is published."""
    members = select(TeamMember.user_id).where(TeamMember.competition_id == competition.id)
    data = {"competition": competition.slug, "title": competition.title}
    announce(session, Event.RESULTS_PUBLISHED, set(session.scalars(members)), data)


def has_near_deadlines(session: Session, now: datetime) -> bool:
    return session.scalars(_choose_near(now).limit(1)).one_or_none() is not None


def announce_deadlines(session: Session, now: datetime) -> None:
    """Tell the teams of what closes within a day; once, and again if the deadline is moved."""
    for row in session.scalars(_choose_near(now).with_for_update(skip_locked=True)).all():
        if row.closes_at is not None:
            row.deadline_told = row.closes_at
            members = set(session.scalars(select(TeamMember.user_id).where(TeamMember.competition_id == row.id)))
            data = {"competition": row.slug, "title": row.title, "closes_at": row.closes_at.isoformat()}
            announce(session, Event.DEADLINE_NEAR, members, data)


def announce_answer(session: Session, slug: str, thread: DiscussionThread, *, author_id: str, author: str) -> None:
    """Tell everybody else who said something in a thread; once, until they have read it."""
    unread = select(InboxMessage).where(InboxMessage.event == Event.THREAD_ANSWERED, InboxMessage.read_at.is_(None))
    talkers = discussion.fetch_talkers(session, thread.id) - {author_id}
    known = {
        row.user_id
        for row in session.scalars(unread.where(InboxMessage.user_id.in_(talkers)))
        if row.body.get("thread_id") == thread.id
    }
    data = {"competition": slug, "thread_id": thread.id, "title": thread.title, "author": author}
    announce(session, Event.THREAD_ANSWERED, talkers - known, data)


def announce_lost_places(session: Session, slug: str, moved: Mapping[str, tuple[int, int]]) -> None:
    """Tell teams that others passed them: id → rank before and now. The caller knows that participants may see both."""
    query = (
        select(Team.id, Team.name, TeamMember.user_id)
        .join(TeamMember, TeamMember.team_id == Team.id)
        .where(Team.id.in_(moved))
    )
    for team_id, name, user_id in session.execute(query).all():
        old, new = moved[team_id]
        data = {"competition": slug, "team": name, "old_rank": old, "new_rank": new}
        announce(session, Event.PLACE_LOST, [user_id], data)


def announce_passed(session: Session, evaluation: Evaluation) -> None:
    """Tell the teams that this evaluation has just pushed down, if participants may see its board."""
    query = (
        select(Competition.id, Competition.slug)
        .join(Submission, Submission.competition_id == Competition.id)
        .where(Submission.id == evaluation.submission_id, Competition.spec_id == evaluation.spec_id)
    )
    found = session.execute(query).one_or_none()
    if found is not None:
        announce_lost_places(session, found.slug, boards.find_passed(session, found.id, evaluation.spec_id))


def _choose_near(now: datetime) -> Select[Competition]:
    return select(Competition).where(
        Competition.state == CompetitionState.OPEN,
        Competition.closes_at > now,
        Competition.closes_at <= now + DEADLINE_TOLD,
        or_(Competition.deadline_told.is_(None), Competition.deadline_told != Competition.closes_at),
    )


def _find_sight(session: Session, evaluation: Evaluation) -> Sight:
    exposure = session.get_one(EvaluationSpec, evaluation.spec_id).terms.problem.exposure
    query = select(Competition).join(Submission).where(Submission.id == evaluation.submission_id)
    competition = session.scalars(query).one()
    private = select(Phase.state).where(Phase.competition_id == competition.id, Phase.kind == PhaseKind.PRIVATE)
    stage = find_stage(competition.state, session.scalar(private))
    return Sight(Reader.AUTHOR, exposure, stage)


def _tell_outcome(evaluation: Evaluation, sight: Sight) -> Outcome:
    has_run = evaluation.started_at is not None
    return tell_outcome(evaluation.verdict, evaluation.code, has_run=has_run, sight=sight)


def _find_authors(session: Session, submission: Submission) -> set[str]:
    """Who uploaded it, and the team."""
    members = select(TeamMember.user_id).where(TeamMember.team_id == submission.team_id)
    return {submission.user_id, *session.scalars(members)}


def _ended_before(session: Session, evaluation: Evaluation) -> bool:
    """Whether its authors were told a result already; that we failed is none when it was tried anew."""
    query = select(func.count()).where(
        Evaluation.submission_id == evaluation.submission_id,
        Evaluation.id != evaluation.id,
        Evaluation.status == Status.FINISHED,
        Evaluation.verdict != Verdict.PLATFORM_ERROR,
    )
    return session.scalars(query).one() > 0


def store_delivery(
    session: Session, user_id: str, event: str, data: Mapping[str, Any], *, target: str, webhook_id: str | None = None
) -> Delivery:
    row = Delivery(user_id=user_id, webhook_id=webhook_id, target=target, event=event, body=dict(data))
    session.add(row)
    session.flush()
    return row


def count_since(session: Session, user_id: str, event: str, since: datetime) -> int:
    query = (
        select(func.count())
        .select_from(Delivery)
        .where(Delivery.user_id == user_id, Delivery.event == event, Delivery.created_at >= since)
    )
    return session.scalars(query).one()


def fetch_deliveries(session: Session, user_id: str, *, webhook_id: str | None, limit: int) -> list[Delivery]:
    """Newest first."""
    query = select(Delivery).where(Delivery.user_id == user_id)
    if webhook_id is not None:
        query = query.where(Delivery.webhook_id == webhook_id)
    return list(session.scalars(query.order_by(Delivery.id.desc()).limit(limit)))


def has_due(session: Session, now: datetime) -> bool:
    query = select(Delivery.id).where(Delivery.state == DeliveryState.PENDING, Delivery.next_attempt_at <= now)
    return session.scalars(query.limit(1)).one_or_none() is not None


def claim_due(session: Session, now: datetime, *, patience: timedelta, limit: int) -> list[Delivery]:
    """Take what is due and count the attempt; what is not settled within `patience` comes up again."""
    query = (
        select(Delivery)
        .where(Delivery.state == DeliveryState.PENDING, Delivery.next_attempt_at <= now)
        .order_by(Delivery.next_attempt_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(session.scalars(query))
    for row in rows:
        row.attempts += 1
        row.next_attempt_at = now + patience
    session.flush()
    return rows


def settle(session: Session, delivery_id: str, attempts: int, **values: Any) -> bool:
    """Write what came of an attempt; nothing if a later attempt has been claimed meanwhile."""
    query = (
        update(Delivery)
        .where(
            Delivery.id == delivery_id,
            Delivery.attempts == attempts,
            Delivery.state == DeliveryState.PENDING,
        )
        .values(**values)
    )
    result = session.execute(query)
    return isinstance(result, CursorResult) and result.rowcount == 1


def fetch_user_name(session: Session, user_id: str) -> str:
    return session.scalars(select(User.name).where(User.id == user_id)).one()


def fetch_live_webhook(session: Session, webhook_id: str) -> Webhook | None:
    query = select(Webhook).where(Webhook.id == webhook_id, Webhook.disabled_at.is_(None))
    return session.scalars(query).one_or_none()


def disable_webhook(session: Session, webhook_id: str, reason: str) -> None:
    """It is told nothing more until its owner turns it on again; what waits for it is given up."""
    now = utc_now()
    session.execute(
        update(Webhook)
        .where(Webhook.id == webhook_id, Webhook.disabled_at.is_(None))
        .values(disabled_at=now, disabled_reason=reason)
    )
    session.execute(
        update(Delivery)
        .where(Delivery.webhook_id == webhook_id, Delivery.state == DeliveryState.PENDING)
        .values(state=DeliveryState.FAILED, finished_at=now, error="the webhook was turned off")
    )


def delete_old(session: Session, before: datetime) -> None:
    session.execute(delete(Delivery).where(Delivery.finished_at < before))
