"""Whose fault a platform failure is: a node that fails everything rests before it costs an evaluation an attempt.

A shard that failed goes to another node of its class first. It failed once more if that was on another node, or on one
that did other shards well meanwhile; a node that does nothing well rests, longer each time, and says why. A worker that
was lost says less: machines go down by themselves, so a second loss on a node counts for nothing, but five end it.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from core.db.models.problems import PoolChunk
from core.db.models.submissions import Evaluation, Shard
from core.db.queries import nodes
from core.domain.fleet import REMOTE
from core.domain.operations import SILENT_AFTER
from core.domain.work import find_rest

log = structlog.get_logger()
LEFT_TO_OTHERS = timedelta(minutes=5)  # perhaps those who could take it have been given other queues
MOST_LOSSES = 5  # of workers under one shard: `lacuna up` itself ends when it loses more of them in an hour
MOST_TRIES = 20  # of one shard, whoever is to blame: hours, as nodes rest longer and longer


def record_failure(
    session: Session,
    shard: Shard,
    *,
    node: str,
    fault: str,
    now: datetime,
    is_charged: bool = True,
    is_loss: bool = False,
) -> None:
    """Of a shard that failed, or was lost, on a node by no doing of its author.

    is_charged: whether it may lie with the shard. Where nothing could be kept or read it does not, on whatever node.
    is_loss: nobody told of a failure, its worker was not heard of again.
    """
    row = nodes.lock_node(session, node)
    is_known = node in shard.failed_on
    has_done_well = row is None or (
        row.succeeded_at is not None and shard.failed_at is not None and row.succeeded_at > shard.failed_at
    )
    if is_charged and (not is_known or (has_done_well and not is_loss)):
        shard.failures += 1
    shard.losses += is_loss
    if is_charged:
        shard.failed_on, shard.failed_at = sorted({*shard.failed_on, node}), now
    if row is None:
        return
    row.strikes += 1
    rest = find_rest(row.strikes)
    if rest is not None:
        row.resting_until, row.rest_reason = now + rest, fault
        log.warning("node rests", node=node, strikes=row.strikes, seconds=rest.total_seconds(), fault=fault)


def find_end(shard: Shard, *, max_attempts: int) -> str:
    """Why nobody tries it again; empty if somebody does."""
    if shard.failures >= max_attempts:
        return f"the platform failed {shard.failures} times at one shard: {shard.fault}"
    if shard.losses >= MOST_LOSSES:
        return f"the platform lost {shard.losses} workers at one shard"
    if shard.attempts >= MOST_TRIES:
        return f"the platform tried one shard {shard.attempts} times: {shard.fault}"
    return ""


def may_try_here(session: Session, evaluation: Evaluation, shard: Shard, *, node: str, now: datetime) -> bool:
    """Whether this node should take the shard now; if not, the shard says what it waits for."""
    row = nodes.fetch_node(session, node)
    if row is not None and nodes.is_resting(row, now):
        shard.fault = f"waits until {node} has rested: it failed {row.strikes} times in a row ({row.rest_reason})"
        return False
    node_class = evaluation.node_class or (row.node_class if row else "")
    is_left = node in shard.failed_on and _is_recent(shard.failed_at, now)
    if is_left and has_other_node(session, shard.failed_on, now, node_class=node_class):
        shard.fault = f"failed on {', '.join(shard.failed_on)} and waits for another node"
        return False
    return True


def may_score_here(session: Session, evaluation: Evaluation, *, node: str, now: datetime) -> bool:
    """Whether this node should compute the score, which any node can; if not, the evaluation says what it waits for."""
    row = nodes.fetch_node(session, node)
    is_left = node in evaluation.score_failed_on and _is_recent(evaluation.scoring_since, now)
    is_left = is_left or (row is not None and nodes.is_resting(row, now))
    if is_left and has_other_node(session, [*evaluation.score_failed_on, node], now, for_shards=False):
        evaluation.score_fault = f"waits for another node than {node}, which failed"
        return False
    return True


def may_train_here(session: Session, chunk: PoolChunk, *, node: str, now: datetime) -> bool:
    """Whether this node should train the chunk; if not, the chunk says what it waits for."""
    is_left = node in chunk.failed_on and _is_recent(chunk.claimed_at, now)
    if is_left and has_other_node(session, chunk.failed_on, now, for_shards=False):
        chunk.fault = f"failed on {', '.join(chunk.failed_on)} and waits for another node"
        return False
    return True


def record_training_failure(session: Session, chunk: PoolChunk, *, node: str, now: datetime) -> None:
    """It counts once nobody else takes it who has not failed at it."""
    is_known = node in chunk.failed_on
    chunk.failed_on = sorted({*chunk.failed_on, node})
    if is_known or not has_other_node(session, chunk.failed_on, now):
        chunk.failures += 1


def has_other_node(
    session: Session, failed_on: Collection[str], now: datetime, *, node_class: str = "", for_shards: bool = True
) -> bool:
    """Whether somebody takes work who has not failed; node_class: the only one that will do, empty for any.

    for_shards: nodes that came with a key run nothing else.
    """
    live = nodes.fetch_nodes(session, now - SILENT_AFTER)
    able = {
        each.name
        for each in live
        if node_class in ("", each.node_class)
        and nodes.takes_work(each, now)
        and (for_shards or not each.instance.startswith(REMOTE))
    }
    return bool(able - set(failed_on))


def _is_recent(failed_at: datetime | None, now: datetime) -> bool:
    return failed_at is not None and now - failed_at < LEFT_TO_OTHERS
