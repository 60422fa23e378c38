"""What staff are told of the platform's own state, and what they may ask of it."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from api.pieces import PieceView
from core.domain.duties import Duty
from core.domain.leaderboard import Purpose
from core.domain.operations import Health
from core.domain.promises import Finding, Promise
from core.domain.runtime import CpuClock
from core.domain.submission import Status
from core.domain.waiting import Obstacle

COST_DAYS, MOST_COST_DAYS = 30, 366


class QueueGroup(BaseModel):
    purpose: Purpose
    status: Status
    is_rejudge: bool = Field(description="waits until no other work waits")
    count: int
    oldest: datetime
    oldest_seconds: float


class WaitingEvaluation(BaseModel):
    """Not moved for a minute, and no worker holds any of it."""

    evaluation_id: str
    submission_id: str
    competition: str
    filename: str
    by: str = Field(description="team, or account of a reference")
    purpose: Purpose
    status: Status
    is_rejudge: bool
    moved_at: datetime
    waited_seconds: float
    finished: int
    total: int
    fault: str = Field(description="why the last attempt at one of its shards failed; empty if none did")
    obstacle: Obstacle = Field(description="what keeps it from moving")
    why: str = Field(description="the same in a sentence")
    command: str = Field(description="what helps")


class DutyView(BaseModel):
    """What janitors do again and again."""

    duty: Duty = Field(description="`sweep` returns lost work and sends messages; `delivery` sends webhooks and mail")
    turned_at: datetime | None = Field(description="when it last went well; null if it never did")
    node: str = Field(description="where it was done last; empty if nowhere")
    why: str = Field(description="what is wrong with it; empty while it is done in time")
    command: str = Field(description="what helps; empty if nothing has to")


class QueueView(BaseModel):
    groups: list[QueueGroup]
    evaluations: int
    oldest: datetime | None = Field(description="when the oldest one still queued was accepted")
    shards_waiting: int
    pool_chunks_waiting: int
    replicas_left: int
    seconds_left: float | None = Field(
        description="estimate from what recent evaluations took, shared among the workers of healthy nodes; null "
        "without a node, while the broker or the janitor is away or pool chunks wait, and where nothing like it ran"
    )
    workers: int = Field(description="of nodes that are healthy and not draining")
    messages_unsent: int = Field(description="not yet with the broker; the janitor sends them")
    oldest_unsent: datetime | None
    waiting: list[WaitingEvaluation] = Field(description="longest first; candidates for `requeue` and `cancel`")
    pieces: list[PieceView] = Field(description="problems, pool chunks and uploads that do not move, longest first")
    janitor: list[DutyView] = Field(description="whether anybody brings back what is lost")


class ShardView(BaseModel):
    evaluation_id: str
    submission_id: str
    first: int
    count: int
    finished: int
    attempts: int


class PromiseView(BaseModel):
    """One promise of a box, whose opposite the worker tried in a box of its own when it started."""

    promise: Promise
    text: str
    tried: str
    finding: Finding
    detail: str = Field(description="what got through; empty if nothing did")


class NodeView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str
    health: Health
    fault: str = Field(description="why it can run nothing; empty when healthy")
    strikes: int = Field(description="failures on our side in a row; three, and the node rests")
    resting_until: datetime | None = Field(description="it claims nothing before; null while it does not rest")
    rest_reason: str = Field(description="its last failure; empty while it does not rest")
    is_draining: bool
    draining_since: datetime | None
    drain_reason: str
    node_class: str
    calibrated_for: list[str] = Field(description="competitions for which retraining was measured on its class")
    not_calibrated_for: list[str] = Field(
        description="other competitions: their first entry here waits for that measurement"
    )
    device: str
    sandbox: str
    clock: CpuClock | None = Field(
        description="that its latest shard was timed by: `cgroup`, all of the box, or `process`, what was waited for;"
        " null before the first"
    )
    version: str
    workers: int
    started_at: datetime
    last_seen_at: datetime
    promises: list[PromiseView] = Field(description="what was tried of its boxes; empty where nothing is isolated")
    shards: list[ShardView] = Field(description="pieces of work it holds now")
    pool_chunks: int


class NodeList(BaseModel):
    items: list[NodeView]


class CostLine(BaseModel):
    day: str = Field(description="UTC day on which the evaluations were begun")
    competition: str
    team: str = Field(description="empty for references and the platform's own runs")
    purpose: Purpose
    is_rejudge: bool
    evaluations: int
    replicas: int
    cpu_seconds: float
    wall_seconds: float


class CostReport(BaseModel):
    since: datetime
    evaluations: int
    replicas: int
    cpu_seconds: float
    wall_seconds: float
    items: list[CostLine]


class LeakLine(BaseModel):
    """What one team's runs on one hidden problem have told it, at most: docs/threat-model.md counts the bits."""

    competition: str
    problem: str
    team: str
    runs: int = Field(description="submissions that ran, or wait to")
    climbs: int = Field(description="of these, those whose score moved the team and was told")
    bits: float
    limit: int = Field(description="the competition's `leak_bits`")
    is_spent: bool = Field(description="the team's next submission waits for staff")


class LeakReport(BaseModel):
    run_bits: float = Field(description="that every submission tells")
    climb_bits: float = Field(description="that a score which moves its team tells besides")
    items: list[LeakLine] = Field(description="most first")


class Requeued(BaseModel):
    evaluation_id: str = Field(description="a new one where the old one had ended")
    status: Status
    messages: int = Field(description="tasks sent to workers; 0 if workers hold everything that is left")


class Condition(StrEnum):
    WORKING = "working"
    SLOW = "slow"  # something has waited long for a node
    AWAY = "away"  # no node takes work


class Incident(BaseModel):
    day: str = Field(description="in UTC")
    failed: int = Field(description="evaluations that failed on our side; they cost nobody anything")


class StatusView(BaseModel):
    condition: Condition
    waiting: int = Field(description="evaluations that no node has begun")
    running: int
    oldest_minutes: int | None = Field(description="how long the oldest of those that wait has waited")
    nodes: int = Field(description="that reported within a week")
    nodes_working: int
    incidents: list[Incident] = Field(description="of the last seven days, the newest first")
