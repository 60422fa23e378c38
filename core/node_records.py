"""What a node and the server say to each other. A node is less trusted than a worker: whatever it says is bounded."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from core.domain.faults import FaultCode
from core.domain.fleet import Ending
from core.domain.leaderboard import Purpose
from core.domain.promises import Finding, Promise
from core.domain.runtime import CpuClock

MOST_RUNS = 4096  # of one shard, whatever they are for
Word = Annotated[str, StringConstraints(max_length=100)]
Line = Annotated[str, StringConstraints(max_length=1000)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Instance = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Seconds = Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)]
Runs = Annotated[list[Seconds], Field(max_length=MOST_RUNS)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrialRecord(Strict):
    finding: Finding
    detail: Line


class NodeReport(Strict):
    """What a node is, each time that it says so."""

    instance: Instance = Field(description="which start of which node speaks")
    version: Word
    node_class: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]{0,62}$")]
    device: Annotated[str, StringConstraints(pattern=r"^(cpu|mps|cuda(:\d+)?)$")]
    workers: int = Field(ge=1, le=1024)
    sandbox: Word = Field(description="the backend it chose; empty if it has none")
    fault: Line = Field(description="why it can run nothing; empty if it can")
    promises: dict[Promise, TrialRecord]


class NodeTerms(BaseModel):
    """How the server wants its nodes to work."""

    name: str
    purposes: list[Purpose] = Field(description="of submissions that it may run")
    lease_seconds: float
    upload_bytes: int
    production: bool
    server_time: datetime
    is_draining: bool = Field(description="it is to take nothing more")


class AskForWork(Strict):
    instance: Instance


class Offer(BaseModel):
    """One shard under a lease, and the blobs it needs."""

    lease: str
    shard_id: str
    fence: int
    evaluation_id: str
    position: int
    first: int
    count: int
    request: int = Field(description="which of the problem's forget requests, counted from 0")
    purpose: Purpose
    filename: str
    source_digest: str
    originals: list[str]
    spare: str | None = Field(description="the original that the swap test starts from")
    data: str | None = Field(description="the tensors of an uploaded data set")
    terms: dict[str, Any] = Field(description="as `core.terms` writes them")
    retrain_seconds: float | None
    runs_again: bool


class Work(BaseModel):
    offer: Offer | None = Field(description="null if there was nothing to do; ask again")


class ShardProgress(Strict):
    finished: int = Field(ge=0, le=MOST_RUNS)


class Wanted(BaseModel):
    wanted: bool = Field(description="false: stop, nobody waits for it any more")


class ReplicaRecord(Strict):
    index: int = Field(ge=0, le=1 << 32)
    wall_seconds: Seconds
    cpu_seconds: Seconds
    clock: CpuClock
    waited_seconds: Seconds | None
    peak_memory_bytes: int = Field(ge=0, le=1 << 50)
    weights_sha256: Digest
    log: str = Field(max_length=1 << 20)


class SecondsRecord(Strict):
    """Seconds of runs, by the wall and by the processor."""

    wall: Runs
    cpu: Runs
    clock: CpuClock
    waited: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None

    @model_validator(mode="after")
    def _check(self) -> "SecondsRecord":
        if len(self.wall) != len(self.cpu):
            raise ValueError("as many seconds by the wall as by the processor")
        return self


class MeasuredRecord(Strict):
    runs: SecondsRecord
    yardsticks: SecondsRecord
    idles: SecondsRecord
    is_extra: bool


class FaultRecord(Strict):
    code: FaultCode
    reason: Annotated[str, StringConstraints(max_length=4000)]
    log: str = Field(max_length=1 << 20)
    traceback: str = Field(max_length=1 << 20)


class ShardResult(Strict):
    """What came of a shard: what an ending does not have is absent."""

    ending: Ending
    reason: Annotated[str, StringConstraints(max_length=4000)] = Field(description="of a fault of ours; else empty")
    replicas: Annotated[list[ReplicaRecord], Field(max_length=MOST_RUNS)]
    fault: FaultRecord | None = Field(description="of the submission")
    outputs: Digest | None = Field(description="of all replicas, in their order")
    reruns: Digest | None
    swapped: Digest | None
    measured: MeasuredRecord | None


class KeptBlob(BaseModel):
    digest: str
