"""Replicas as the database keeps them."""

from collections.abc import Sequence

from core.db.models.submissions import Replica
from worker.replicas.inspection import InspectedReplica


def make_rows(evaluation_id: str, shard_id: str, replicas: Sequence[InspectedReplica]) -> list[Replica]:
    return [
        Replica(
            evaluation_id=evaluation_id,
            shard_id=shard_id,
            position=replica.index,
            seed=str(replica.seed),
            wall_seconds=replica.wall_seconds,
            cpu_seconds=replica.cpu_seconds,
            clock=replica.clock,
            waited_seconds=replica.waited_seconds,
            peak_memory_bytes=replica.peak_memory_bytes,
            weights_sha256=replica.weights_sha256,
        )
        for replica in replicas
    ]
