"""Queue, nodes and costs as staff see them, and what staff do about them; every deed is recorded."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller
from api.operations.schemas import (
    CostLine,
    CostReport,
    DutyView,
    LeakLine,
    LeakReport,
    NodeList,
    NodeView,
    PromiseView,
    QueueGroup,
    QueueView,
    Requeued,
    ShardView,
    WaitingEvaluation,
)
from api.pieces import make_piece
from core.db.base import utc_now
from core.db.models.operations import Node
from core.db.models.submissions import Evaluation, Shard
from core.db.queries import audit, competitions, evaluations, leaks, nodes, operations, turns
from core.db.queries.waiting import explain_all, explain_chunks, explain_data_sets, explain_problems, may_stand_still
from core.domain.duties import Turns, find_idleness
from core.domain.errors import Conflict, NotFound
from core.domain.leaderboard import Purpose
from core.domain.leaks import CLIMB_BITS, RUN_BITS, count_told
from core.domain.operations import FORGOTTEN_AFTER, Unfinished, estimate_seconds, get_health
from core.domain.phases import PhaseKind
from core.domain.promises import WORDING, parse_trials
from core.domain.submission import Status, Verdict
from core.domain.waiting import UNTOLD_AFTER, Wait
from core.domain.work import STRIKES, WorkState
from core.lifecycle import open_evaluation, request_cancel, requeue

WAITING_SHOWN = 100
PIECES = (explain_problems, explain_chunks, explain_data_sets)


def count_workers(session: Session) -> int:
    """Processes of healthy nodes that take work."""
    return sum(_count_workers_of_classes(session, utc_now()).values())


def load_queue(session: Session) -> QueueView:
    now = utc_now()
    groups = operations.fetch_live_groups(session)
    unfinished = operations.fetch_unfinished(session)
    workers = _count_workers_of_classes(session, now)
    able = _count_workers_of_classes(session, now, most_strikes=STRIKES - 1)  # not who fails whenever its rest is over
    chunks = operations.count_waiting_chunks(session)
    unsent, oldest_unsent = operations.fetch_unsent_state(session)
    waiting = operations.fetch_waiting(session, before=now - UNTOLD_AFTER, now=now, limit=WAITING_SHOWN)
    waits = explain_all(session, [row for row, _ in waiting], now)
    is_unknown = chunks > 0 or may_stand_still(session, now)  # how long training takes, or what comes back
    return QueueView(
        groups=[
            QueueGroup(
                purpose=group.purpose,
                status=group.status,
                is_rejudge=group.is_rejudge,
                count=group.count,
                oldest=group.oldest,
                oldest_seconds=(now - group.oldest).total_seconds(),
            )
            for group in groups
        ],
        evaluations=sum(group.count for group in groups),
        oldest=min((group.oldest for group in groups if group.status == Status.QUEUED), default=None),
        shards_waiting=operations.count_waiting_shards(session),
        pool_chunks_waiting=chunks,
        replicas_left=sum(_count_left(row) for row, _ in unfinished),
        seconds_left=None if is_unknown else estimate_seconds(_find_costs(session, unfinished), able),
        workers=sum(workers.values()),
        messages_unsent=unsent,
        oldest_unsent=oldest_unsent,
        pieces=[make_piece(piece, now) for explain in PIECES for piece in explain(session, now)],
        waiting=[_make_waiting(row, moved_at, now, wait) for (row, moved_at), wait in zip(waiting, waits, strict=True)],
        janitor=[_make_duty(each, now) for each in turns.fetch_turns(session)],
    )


def list_nodes(session: Session) -> NodeList:
    now = utc_now()
    shards: defaultdict[str, list[Shard]] = defaultdict(list)
    for shard in nodes.fetch_held_shards(session, now):
        shards[shard.worker or ""].append(shard)
    chunks = [chunk.worker for chunk in nodes.fetch_held_chunks(session, now)]
    rows = nodes.fetch_nodes(session, now - FORGOTTEN_AFTER)
    calibrated = competitions.fetch_calibrated(session)
    return NodeList(items=[_make_node(row, now, shards[row.name], chunks.count(row.name), calibrated) for row in rows])


def drain(session: Session, name: str, reason: str, caller: Caller) -> Node:
    """It ends what it holds and claims nothing more."""
    node = _lock_node(session, name)
    if node.draining_since is not None:
        raise Conflict(f"{name} is draining already, because: {node.drain_reason}")
    node.draining_since, node.drain_reason = utc_now(), reason
    _record(session, caller, "node.drain", f"node/{name}", {"reason": reason})
    return node


def activate(session: Session, name: str, reason: str, caller: Caller) -> Node:
    """It works again: it neither drains nor rests."""
    node = _lock_node(session, name)
    if node.draining_since is None and node.resting_until is None:
        raise Conflict(f"{name} neither drains nor rests")
    node.draining_since, node.drain_reason = None, ""
    node.strikes, node.resting_until, node.rest_reason = 0, None, ""
    _record(session, caller, "node.activate", f"node/{name}", {"reason": reason})
    return node


def load_costs(session: Session, *, days: int, slug: str | None) -> CostReport:
    """Sums by UTC day, competition and team, the newest day first and the dearest team first in it."""
    start = utc_now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    competition_id = load_competition(session, slug).id if slug else None
    lines: dict[tuple[str, str, str, str, bool], CostLine] = {}
    for spent in operations.fetch_spent(session, start, competition_id):
        day = spent.started_at.astimezone(UTC).date().isoformat()
        key = (day, spent.competition, spent.team or "", spent.purpose, spent.is_rejudge)
        names = dict(zip(("day", "competition", "team", "purpose", "is_rejudge"), key, strict=True))
        zero = CostLine.model_validate({**names, "evaluations": 0, "replicas": 0, "cpu_seconds": 0, "wall_seconds": 0})
        line = lines.setdefault(key, zero)
        line.evaluations += 1
        line.replicas += spent.replicas
        line.cpu_seconds += spent.cpu_seconds
        line.wall_seconds += spent.wall_seconds
    items = sorted(lines.values(), key=lambda line: -line.cpu_seconds)
    items.sort(key=lambda line: line.day, reverse=True)
    return CostReport(
        since=start,
        evaluations=sum(line.evaluations for line in items),
        replicas=sum(line.replicas for line in items),
        cpu_seconds=sum(line.cpu_seconds for line in items),
        wall_seconds=sum(line.wall_seconds for line in items),
        items=items,
    )


def load_leaks(session: Session, slug: str | None) -> LeakReport:
    """What runs on hidden problems have told each team, beside what they may."""
    found = leaks.fetch_told(session, load_competition(session, slug).id if slug else None)
    lines = [
        LeakLine(
            competition=row.competition,
            problem=row.problem,
            team=row.team,
            runs=row.runs,
            climbs=row.climbs,
            bits=(bits := count_told(row.runs, row.climbs)),
            limit=row.limit,
            is_spent=bits + RUN_BITS > row.limit,
        )
        for row in found
    ]
    return LeakReport(run_bits=RUN_BITS, climb_bits=CLIMB_BITS, items=sorted(lines, key=lambda line: -line.bits))


def requeue_evaluation(session: Session, evaluation_id: str, reason: str, caller: Caller) -> Requeued:
    """A live one: its free work goes out again. One that we failed: a new attempt at its submission."""
    evaluation = _lock_evaluation(session, evaluation_id)
    if evaluation.status == Status.CANCELLING:
        raise Conflict("the evaluation is being cancelled")
    if evaluation.status == Status.FINISHED:
        current, sent = _evaluate_again(session, evaluation), 1
    else:
        current, sent = evaluation, requeue(session, evaluation)
    detail = {"reason": reason, "messages": sent, "new": current.id if current is not evaluation else None}
    _record(session, caller, "evaluation.requeue", f"evaluation/{evaluation_id}", detail)
    return Requeued(evaluation_id=current.id, status=current.status, messages=sent)


def cancel_evaluation(session: Session, evaluation_id: str, reason: str, caller: Caller) -> Requeued:
    _lock_evaluation(session, evaluation_id)
    evaluation = request_cancel(session, evaluation_id, reason=f"cancelled by the organizers: {reason}")
    _record(session, caller, "evaluation.cancel", f"evaluation/{evaluation_id}", {"reason": reason})
    return Requeued(evaluation_id=evaluation.id, status=evaluation.status, messages=0)


def _count_workers_of_classes(session: Session, now: datetime, most_strikes: float = math.inf) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    for node in nodes.fetch_nodes(session, now - FORGOTTEN_AFTER):
        if nodes.takes_work(node, now) and node.strikes <= most_strikes:
            counts[node.node_class] += node.workers
    return counts


def _find_costs(session: Session, rows: Sequence[tuple[Evaluation, Purpose]]) -> list[Unfinished]:
    """What is left of each; what a calibration takes is what it is there to find out."""
    costs = {spec_id: operations.fetch_cost(session, spec_id) for spec_id in {row.spec_id for row, _ in rows}}
    return [
        Unfinished(
            status=row.status,
            share_left=_count_left(row) / row.replicas_total,
            longest_left=max((1 - each.finished_replicas / each.count for each in row.shards), default=1.0),
            node_class=row.node_class,
            cost=costs[row.spec_id] if purpose is not Purpose.CALIBRATION else None,
        )
        for row, purpose in rows
    ]


def _count_left(row: Evaluation) -> int:
    """Replicas that it has not run yet; of one that was decided early, none."""
    if row.status not in (Status.QUEUED, Status.CANARY, Status.RUNNING):
        return 0
    return row.replicas_total - sum(shard.finished_replicas for shard in row.shards)


def _evaluate_again(session: Session, evaluation: Evaluation) -> Evaluation:
    submission = evaluations.fetch_submission(session, evaluation.submission_id)
    whole = evaluations.fetch_evaluation(session, evaluation.id)
    if submission is None or whole is None:
        raise NotFound("no such evaluation")
    _check_failed(evaluation, submission.purpose)
    if submission.evaluations[-1].id != evaluation.id:
        raise Conflict("the submission has a newer evaluation already")
    node_class = whole.node_class if submission.purpose == Purpose.CALIBRATION else ""
    return open_evaluation(session, submission, whole.spec, phase=evaluation.phase, node_class=node_class)


def _check_failed(evaluation: Evaluation, purpose: Purpose) -> None:
    """Of what ended. A calibration is ours: in whatever phase, one that was cancelled may be tried again too."""
    if purpose == Purpose.CALIBRATION:
        if evaluation.verdict not in (Verdict.PLATFORM_ERROR, Verdict.WITHDRAWN):
            raise Conflict(f"it ended {evaluation.verdict}: what was measured is kept")
    elif evaluation.verdict != Verdict.PLATFORM_ERROR or not evaluation.counts or evaluation.phase == PhaseKind.PRIVATE:
        raise Conflict(f"it ended {evaluation.verdict}; only a platform error can be requeued; rejudge anything else")


def _lock_evaluation(session: Session, evaluation_id: str) -> Evaluation:
    evaluation = evaluations.lock_evaluation(session, evaluation_id)
    if evaluation is None:
        raise NotFound("no such evaluation")
    return evaluation


def _lock_node(session: Session, name: str) -> Node:
    node = nodes.lock_node(session, name)
    if node is None:
        raise NotFound(f"no node named {name!r} ever reported")
    return node


def _make_node(
    node: Node, now: datetime, shards: list[Shard], chunks: int, calibrated: Mapping[str, set[str]]
) -> NodeView:
    return NodeView(
        name=node.name,
        health=get_health(last_seen_at=node.last_seen_at, fault=node.fault, resting_until=node.resting_until, now=now),
        fault=node.fault,
        strikes=node.strikes,
        resting_until=node.resting_until,
        rest_reason=node.rest_reason,
        is_draining=node.draining_since is not None,
        draining_since=node.draining_since,
        drain_reason=node.drain_reason,
        node_class=node.node_class,
        calibrated_for=[slug for slug, classes in calibrated.items() if node.node_class in classes],
        not_calibrated_for=[slug for slug, classes in calibrated.items() if node.node_class not in classes],
        device=node.device,
        sandbox=node.sandbox,
        clock=node.clock,
        version=node.version,
        workers=node.workers,
        started_at=node.started_at,
        last_seen_at=node.last_seen_at,
        promises=[
            PromiseView(
                promise=trial.promise,
                text=WORDING[trial.promise].promise,
                tried=WORDING[trial.promise].tried,
                finding=trial.finding,
                detail=trial.detail,
            )
            for trial in parse_trials(node.promises)
        ],
        shards=[
            ShardView(
                evaluation_id=shard.evaluation_id,
                submission_id=shard.evaluation.submission_id,
                first=shard.first,
                count=shard.count,
                finished=shard.finished_replicas,
                attempts=shard.attempts,
            )
            for shard in shards
        ],
        pool_chunks=chunks,
    )


def _make_duty(found: Turns, now: datetime) -> DutyView:
    idleness = find_idleness(found, now)
    return DutyView(
        duty=found.duty,
        turned_at=found.turned_at,
        node=found.node,
        why=idleness.staff if idleness else "",
        command=idleness.command if idleness else "",
    )


def _make_waiting(evaluation: Evaluation, moved_at: datetime, now: datetime, wait: Wait) -> WaitingEvaluation:
    submission = evaluation.submission
    return WaitingEvaluation(
        evaluation_id=evaluation.id,
        submission_id=submission.id,
        competition=submission.competition.slug,
        filename=submission.filename,
        by=submission.team.name if submission.team else submission.user.name,
        purpose=submission.purpose,
        status=evaluation.status,
        is_rejudge=evaluation.rejudge_id is not None,
        moved_at=moved_at,
        obstacle=wait.obstacle,
        why=wait.staff,
        command=wait.command,
        waited_seconds=(now - moved_at).total_seconds(),
        finished=sum(shard.finished_replicas for shard in evaluation.shards),
        total=evaluation.replicas_total,
        fault=next((shard.fault for shard in evaluation.shards if shard.fault and shard.state != WorkState.DONE), ""),
    )


def _record(session: Session, caller: Caller, action: str, subject: str, detail: dict[str, object]) -> None:
    audit.record(session, actor=caller.name, action=action, subject=subject, detail=detail)
