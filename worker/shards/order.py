"""What is run of a shard, and what is timed beside it: the same wherever it runs."""

from dataclasses import dataclass

from core.domain.leaderboard import Purpose
from core.terms import Terms
from worker.replicas.yardstick import NOTHING, Plan, count_extra, plan_calibration, plan_extra, plan_shard


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardOrder:
    evaluation_id: str
    position: int
    first: int
    count: int
    request: int  # place among the problem's
    purpose: Purpose
    filename: str
    source_digest: str
    terms: Terms
    retrain_seconds: float | None  # None: no gate applies, or it is what is being measured
    runs_again: bool  # it ran well before, and what came out is gone

    @property
    def is_canary(self) -> bool:
        return self.position == 0 and self.purpose is not Purpose.CALIBRATION

    @property
    def runs(self) -> int:
        return self.count or count_extra(self.terms.evaluation.replicas)

    @property
    def plan(self) -> Plan:
        """What is timed beside its replicas; those that run again for a fault of ours were before."""
        if self.purpose is Purpose.CALIBRATION:
            return plan_calibration(self.count)
        if self.count == 0:
            return plan_extra(self.runs)
        return NOTHING if self.runs_again else plan_shard(self.count, is_canary=self.is_canary)
