"""The pools of a competition as an admin sees them: progress, what they are sealed with, whether it is still there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from api.configure.schemas import PoolCheck, PoolDetail, PoolList, PoolRole
from api.deps import Caller
from api.pieces import make_piece
from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.problems import Pool
from core.db.queries import audit, competitions, data_sets, phases, pools
from core.db.queries.waiting import WaitingPiece, explain_chunks
from core.domain.competition import CompetitionState
from core.domain.errors import Conflict, NotFound, PlatformFault
from core.domain.pools import PoolKind, PoolState, check_pool_move, compute_seal_digest, estimate_seconds_left
from core.domain.work import WorkState
from core.storage import BlobStore

ENDED = (CompetitionState.CLOSED, CompetitionState.ARCHIVED)


def list_pools(session: Session, slug: str) -> PoolList:
    row, roles = _load(session, slug)
    now = utc_now()
    found = pools.fetch_pools_of(session, slug, roles)
    waiting = explain_chunks(session, now, [pool.id for pool in found])
    items = [_make_view(pool, roles, now, waiting) for pool in found]
    return PoolList(slug=slug, state=row.state_at(now), prepared_at=row.prepared_at, items=items)


def verify_pools(session: Session, slug: str, store: BlobStore) -> list[PoolCheck]:
    """Read every blob of every sealed pool again; the store itself compares each with its digest."""
    _, roles = _load(session, slug)
    now = utc_now()
    return [
        PoolCheck(pool=_make_view(pool, roles, now), faults=_find_faults(pool, store))
        for pool in pools.fetch_pools_of(session, slug, roles)
        if pool.state != PoolState.BUILDING
    ]


def retire_pools(session: Session, slug: str, reason: str, caller: Caller) -> PoolList:
    """Pools of earlier problems of this name, and once the competition has ended all that no other one needs."""
    _lock(session, slug)
    row, roles = _load(session, slug)
    has_ended = row.state_at(utc_now()) in ENDED
    needed = pools.find_needed(session, besides=row.id)
    chosen = [
        pool
        for pool in pools.fetch_pools_of(session, slug, roles)
        if pool.state in (PoolState.SEALED, PoolState.ACTIVE)
        and (has_ended or pool.problem_id not in roles)
        and pool.problem_id not in needed
    ]
    if not chosen:
        raise Conflict(
            f"{slug} has no pools to retire: it keeps those it is scored against until it is closed, those that another"
            " competition practises on until that one is closed, and those of a private phase until it is published"
        )
    running = data_sets.fetch_live_evaluations(session, [pool.problem_id for pool in chosen])
    if running:
        raise Conflict(f"{len(running)} evaluations still run against these pools: wait, or cancel them")
    for pool in chosen:
        check_pool_move(pool.state, PoolState.RETIRED)
        pool.state = PoolState.RETIRED
    detail = {"reason": reason, "pools": [f"{pool.kind} {pool.problem.digest[:12]}" for pool in chosen]}
    audit.record(session, actor=caller.name, action="pools.retire", subject=f"competition/{slug}", detail=detail)
    session.flush()
    return list_pools(session, slug)


def check_opens_by_hand(session: Session, slug: str) -> None:
    """Activating opens what is prepared; it unfreezes and reopens nothing. Locks the competition."""
    _lock(session, slug)
    row, _ = _load(session, slug)
    state = row.state_at(utc_now())
    if state is not CompetitionState.PREPARING:
        raise Conflict(f"{slug} is {state}: only preparing ones can be activated; change other states on Organize")


def _lock(session: Session, slug: str) -> None:
    """Whoever submits or starts something in it waits, and sees what was retired."""
    row = competitions.fetch_competition(session, slug)
    if row is None:
        raise NotFound(f"no competition named {slug!r}")
    competitions.lock_competition(session, row.id)
    session.expire(row)  # it is read again under the lock


def _load(session: Session, slug: str) -> tuple[Competition, dict[str, PoolRole]]:
    """The competition, and what its present problems are for."""
    row = competitions.fetch_competition(session, slug)
    if row is None:
        raise NotFound(f"no competition named {slug!r}")
    roles = {phase.spec.problem_id: PoolRole(phase.kind) for phase in phases.fetch_phases(session, row.id)}
    return row, roles | {row.spec.problem_id: PoolRole.PUBLIC}


def _make_view(
    pool: Pool, roles: dict[str, PoolRole], now: datetime, waiting: Sequence[WaitingPiece] = ()
) -> PoolDetail:
    finished = sum(chunk.count for chunk in pool.chunks if chunk.state == WorkState.DONE)
    left = None
    if pool.state == PoolState.BUILDING:
        left = estimate_seconds_left(finished, pool.size, (now - pool.created_at).total_seconds())
    return PoolDetail(
        role=roles.get(pool.problem_id, PoolRole.FORMER),
        kind=pool.kind,
        request=pool.request + 1,
        state=pool.state,
        finished=finished,
        total=pool.size,
        seconds_left=left,
        problem_digest=pool.problem.digest,
        created_at=pool.created_at,
        sealed_at=pool.sealed_at,
        seal=pool.seal["digest"] if pool.seal else None,
        fault=next((chunk.fault for chunk in pool.chunks if chunk.fault and chunk.state != WorkState.DONE), ""),
        waiting=[make_piece(piece, now) for piece in waiting if piece.pool_id == pool.id],
    )


def _find_faults(pool: Pool, store: BlobStore) -> list[str]:
    if not pool.seal:
        return []  # sealed without a record: nothing to compare it with, which is no fault; the view shows none
    chunks: list[dict[str, Any]] = pool.seal["chunks"]
    faults = [] if compute_seal_digest(chunks) == pool.seal["digest"] else ["the seal itself was changed"]
    members = sum(len(chunk["members"]) for chunk in chunks)
    if members != pool.size:
        faults.append(f"{members} members were sealed, not {pool.size}")
    for chunk in chunks:
        if store.get_ref(chunk["name"]) != chunk["digest"]:
            faults.append(f"{chunk['name']} is not the chunk that was sealed")
        wanted = [chunk["digest"], *(chunk["members"] if pool.kind == PoolKind.ORIGINAL else ())]
        faults += [fault for digest in wanted if (fault := _find_damage(store, digest))]
    return faults


def _find_damage(store: BlobStore, digest: str) -> str:
    try:
        store.get(digest)
    except PlatformFault as error:
        return error.message
    return ""
