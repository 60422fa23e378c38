"""What is told about a submission, about a file before it counts, and about two submissions side by side."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from api.finals.schemas import FinalResult
from api.leaderboard.schemas import Interval
from core.domain.faults import FaultCode
from core.domain.intake.report import Origin
from core.domain.leaderboard import Purpose
from core.domain.licences import Licence
from core.domain.notes import NoteReaders
from core.domain.phases import PhaseKind
from core.domain.submission import FaultOwner, Status, Verdict

NOTE_LENGTH = 500


class RequestedPurpose(StrEnum):
    """Calibration runs are the platform's own and cannot be asked for."""

    RANKED = Purpose.RANKED
    REFERENCE = Purpose.REFERENCE
    PRACTICE = Purpose.PRACTICE


class Progress(BaseModel):
    finished: int
    total: int


class DecidedEarly(BaseModel):
    """The runs were stopped because the place on the board was clear: docs/adaptive.md."""

    after: int
    of: int


class Rejudged(BaseModel):
    """The organizers had it evaluated again, and the new result counts: docs/lifecycle.md."""

    at: datetime
    reason: str
    previous_verdict: Verdict | None
    previous_score: float | None


class Links(BaseModel):
    self: str
    events: str
    scorecard: str
    report: str
    examples: str
    source: str
    cancel: str
    page: str


class ExampleView(BaseModel):
    """One forget example, and what the models of both kinds say about it."""

    rank: int = Field(description="1: the worst forgotten")
    example_id: int = Field(description="its place in the data set")
    label: str
    clean_label: str = Field(description="the same, unless label noise changed it")
    image: str = Field(description="a `data:` address; empty if it is no picture")
    epsilon: float
    attack: str = Field(description="the attack that won, in words")
    words: str = Field(description="what that attack does here, and how often it is wrong")
    unlearned: list[float] = Field(description="confidence of each unlearned model")
    retrained: list[float] = Field(description="confidence of each retrained model")


class ExampleList(BaseModel):
    items: list[ExampleView]


class PublicationRequest(BaseModel):
    """Everybody may read the code from then on."""

    model_config = ConfigDict(extra="forbid")

    licence: Licence


class FlagView(BaseModel):
    code: str = Field(description="which check fired: docs/flags.md")
    severity: str = Field(description="notice, suspicious or strong")
    value: float | None = Field(None, description="null on hidden problems, for participants")
    threshold: float | None = None
    detail: str | None = None


class NoteChange(BaseModel):
    """What is not named stays as it is."""

    model_config = ConfigDict(extra="forbid")

    note: str | None = Field(None, max_length=NOTE_LENGTH)
    note_readers: NoteReaders | None = None


class SubmissionView(BaseModel):
    id: str
    evaluation_id: str
    competition: str
    user: str = Field(description="who uploaded it")
    team: str = Field(description="its team; empty for a reference")
    filename: str
    source_digest: str
    note: str = Field(description="empty for whom it is not for")
    note_readers: NoteReaders | None = Field(description="who reads the note; null for whom it is not for")
    purpose: Purpose
    phase: PhaseKind = Field(description="practice: on an open problem, everything is shown and nothing is ranked")
    status: Status
    verdict: Verdict | None
    fault_of: FaultOwner | None = Field(description="whose fault the verdict is; null until there is one")
    code: str = Field(description="error code of a participant's fault; empty otherwise")
    reason: str = Field(description="one line; empty on hidden problems where it could carry data out")
    hint: str
    progress: Progress = Field(description="in replicas")
    decided_early: DecidedEarly | None = Field(description="in replicas; null when all of them run")
    rejudged: Rejudged | None = Field(description="null unless the result shown is that of a rejudge")
    queue_position: int | None = Field(description="1 is next; null when not queued")
    waits: str | None = Field(description="why nothing has moved for a minute; null while it moves, and in lists")
    score: Interval | None
    relative_runtime: float | None
    compute_budget: float
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    has_scorecard: bool
    held_back: bool = Field(
        default=False,
        description="scored on a hidden problem, and within the noise of its team's best told score or over the"
        " budget: its numbers are told after the end",
    )
    flags: list[FlagView] | None = Field(
        description="flags for a person to look at, never a verdict; null in lists and before the score"
    )
    is_selected: bool = Field(description="by its team for the final ranking; false for all but its team and staff")
    final: FinalResult | None = Field(
        description="of a finalist, once the final board is published; null before, and for other submissions"
    )
    published_at: datetime | None = Field(description="since when everybody may read its code; null: nobody else may")
    licence: Licence | None = Field(description="under which its author published it")
    is_disqualified: bool = Field(description="taken off the board by an organizer")
    is_held: bool = Field(description="scored, and without a rank until staff have looked at its flags")
    disqualified_reason: str = Field(description="for its author and staff; empty for others")
    log: str | None = Field(description="what the code printed; for its author, in practice only")
    links: Links


class SubmissionPage(BaseModel):
    items: list[SubmissionView]
    next_cursor: str | None


class NoteView(BaseModel):
    where: str
    source: str = Field(description="first line")
    reason: str


class Reading(BaseModel):
    ok: bool = Field(description="whether it would be queued; otherwise code, reason and hint say why not")
    sha256: str
    origin: Origin | None = Field(description="the kind of file it was read as; null if it cannot be run")
    code: FaultCode | None
    reason: str
    hint: str
    fix: str = Field(description="lines to paste into a file that cannot run; empty if there are none")
    files: list[str]
    kept: list[NoteView]
    changed: list[NoteView]
    left_out: list[NoteView]
    warnings: list[str]

    @property
    def is_as_sent(self) -> bool:
        """Whether exactly what was sent would run, and nothing has to be said about it."""
        return self.ok and not self.changed and not self.left_out and not self.warnings


class Conclusion(StrEnum):
    A_IS_BETTER = "a_is_better"
    B_IS_BETTER = "b_is_better"
    WITHIN_NOISE = "within_noise"
    NOT_COMPARABLE = "not_comparable"


class ComparedMetric(BaseModel):
    id: str
    name: str
    unit: str
    better: str = Field(description="higher, lower, closer to retrained, or empty where neither is better")
    a: float | None
    b: float | None
    difference: float | None = Field(description="b − a")
    retrained: float | None = Field(description="what retrained models get; null where that is not one number")


class ComparedEpsilons(BaseModel):
    """Forget examples by epsilon; both submissions in the same buckets, the last of which is open."""

    edges: list[float]
    a: list[int]
    b: list[int]
    each_a: list[float] | None = Field(description="of each forget example, in one order; null where it is hidden")
    each_b: list[float] | None


class Comparison(BaseModel):
    competition: str
    a: SubmissionView
    b: SubmissionView
    conclusion: Conclusion
    detail: str = Field(description="the conclusion in one sentence, with its reason")
    difference: float | None = Field(description="score of b − score of a; null if they do not compare")
    difference_error: float | None = Field(description="standard error of the difference")
    is_paired: bool = Field(description="whether both were scored against the same drawn models")
    b_is_better: float | None = Field(description="probability that b scores more, were both run again")
    metrics: list[ComparedMetric]
    epsilons: ComparedEpsilons | None = Field(description="null if the two were cut into different buckets")
