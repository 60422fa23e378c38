"""Where submissions run, and what can be wrong with them."""

from datetime import datetime

from pydantic import BaseModel, Field

from core.domain.faults import FaultCode
from core.domain.submission import Verdict


class Library(BaseModel):
    name: str
    version: str


class Observed(BaseModel):
    """What the newest score was made with: the truth where a server runs without the image."""

    at: datetime
    sandbox: str
    node_class: str
    versions: list[Library]


class ProblemLimits(BaseModel):
    """What one replica may use; the clock is a multiple of retraining, between a floor and a ceiling."""

    competition: str
    title: str
    replicas: int
    compute_budget: float = Field(description="largest allowed relative runtime")
    memory_bytes: int
    scratch_bytes: int = Field(description="of the working folder")
    log_bytes: int = Field(description="what may be printed")
    processes: int = Field(description="processes and threads")
    wall_seconds_floor: float = Field(description="no replica is stopped sooner")
    wall_seconds_ceiling: float
    batch_size: int
    batch_format: str


class RuntimeView(BaseModel):
    python: str
    image: str = Field(description="name of the sandbox image")
    sandbox: str = Field(description="back end this server asks for; `auto` takes the strongest one there is")
    device: str
    node_class: str
    upload_bytes: int
    libraries: list[Library] = Field(description="libraries in the image; nothing else can be installed")
    observed: Observed | None = Field(description="null until something was scored")
    problems: list[ProblemLimits]


class ErrorCode(BaseModel):
    code: FaultCode
    verdict: Verdict
    hint: str


class ErrorCodeList(BaseModel):
    items: list[ErrorCode]
