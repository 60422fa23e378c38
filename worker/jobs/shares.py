"""Whose shard a message stands for: each is one turn of a worker, and which shard gets it is decided when it comes.

The broker hands messages out in the order in which they were sent. A team that uploads a hundred entries would have the
first hundred turns, and everybody's first shard would come before anybody's second.
"""

from core.db.base import utc_now
from core.db.queries import nodes
from core.db.queries.shares import fetch_turns
from core.db.session import reading
from worker.jobs.context import WorkerContext
from worker.jobs.shards import run_shard

LOOKED_AT = 4  # others may take the first ones at this moment


def take_turn(context: WorkerContext, shard_id: str) -> None:
    """Run the shard whose turn it is; shard_id: of the message, which is tried last."""
    for each in (*_find_turns(context, shard_id), shard_id):
        if run_shard(context, each):
            return


def _find_turns(context: WorkerContext, shard_id: str) -> list[str]:
    """None on a node that takes no work: what it leaves to others is what it was sent."""
    now, settings = utc_now(), context.settings
    with reading(context.engine) as session:
        node = nodes.fetch_node(session, settings.node_name)
        if node is not None and not nodes.takes_work(node, now):
            return []
        turns = fetch_turns(session, settings.node_class, now, limit=LOOKED_AT)
    return [each for each in turns if each != shard_id] if shard_id not in turns[:1] else []
