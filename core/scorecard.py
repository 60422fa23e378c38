"""The scorecard: one typed, versioned record of a result, and how every form that was ever stored is read.

The worker writes it; board, report, comparison, pages, API and terminal read it. A field that may be missing is left
out of the JSON when it is; a field that is always there and may be empty is null. Names that the evaluator owns
(protocols, attacks, flags, metrics) are plain strings: a record outlives them.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import Field, ValidationError, model_validator

from core.domain.errors import PlatformFault
from core.domain.scorecard_forms import FORM, find_form, upgrade
from core.scorecard_parts import Fraction, PairScores, Part, maybe

_Nats = Annotated[float, Field(ge=0, le=1e6)]  # no scorecard comes near; beyond it nothing can be drawn
_Count = Annotated[int, Field(ge=0, lt=2**53)]
_Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
_Picked = TypeVar("_Picked")
_PickedCo = TypeVar("_PickedCo", covariant=True)


class UnreadableScorecard(PlatformFault):
    """A stored or received scorecard is of no form that this release reads."""


class MeasuredScore(Part):
    """The score that ranks, with its interval over fresh models of both pools."""

    estimate: float = Field(description="score, 0 to 1")
    low: float = Field(description="lower end of the interval")
    high: float = Field(description="upper end of the interval")
    level: float = Field(ge=0, le=1, description="share of such intervals that hold, a fraction")
    corrected: float | None = maybe("score without the bias of a finite number of replicas")
    standard_error: float | None = maybe("standard error of the score over fresh models of both pools")


class ProtocolScores(Part):
    """Score of the same runs under each protocol."""

    held_out: float = Field(description="score, the attack judged on other models than it is chosen on")
    neurips2023: float = Field(description="score under the rule of the 2023 contest")
    exact: float = Field(description="score, every threshold and interval tried on the models it is judged on")


class Ceiling(Part):
    """What retrained models score against retrained models: nothing can honestly score more."""

    estimate: float = Field(description="score of the control pool")
    low: float = Field(description="lower end of its interval")
    high: float = Field(description="upper end of its interval")
    corrected: float | None = maybe("without the bias of a finite number of replicas")
    neurips2023: float | None = maybe("the same under the 2023 rule")
    exact: float | None = maybe("the same under the exact protocol")
    forgetting_quality: float | None = maybe("mean points of the control pool on the forget examples")
    test_quality: float | None = maybe("the same on test examples")
    retain_quality: float | None = maybe("the same on retain examples")
    joint_auc: float | None = maybe("how well all outputs tell one control from one retrained model, 0.5: not at all")


class SplitLikeness(Part):
    """Mean points of each set's examples: how hard it is to tell unlearned from retrained models by one of them."""

    forget: float = Field(description="F forget, 0 to 1; the forgetting quality")
    test: float = Field(description="F test, 0 to 1: of test examples of the forget set's classes")
    retain: float = Field(description="F retain, 0 to 1")
    balance: float = Field(description="1: one model does not tell forget from test examples; less: memory, a table")


class JointTelling(Part):
    """How well all outputs of a model together tell it from a retrained one: area under the ROC curve."""

    auc: float = Field(description="0.5: not at all, 1: every model; by a fit on other models")
    control: float | None = Field(description="the same for a second bank of retrained models; null if too few")


class AccuracyKept(Part):
    """Accuracies relative to those of the retrained models."""

    value: float = Field(description="utility: the product of both ratios")
    retain_ratio: float = Field(description="retain accuracy ÷ that of the retrained models")
    test_ratio: float = Field(description="test accuracy ÷ that of the retrained models")


class SplitAccuracies(Part):
    """Mean accuracy of a pool's models on each set."""

    retain: float = Field(description="on the retain set, a fraction")
    forget: float = Field(description="on the forget set, a fraction")
    test: float = Field(description="on the test set, a fraction")


class PoolAccuracies(Part):
    unlearned: SplitAccuracies = Field(description="of the submission's models")
    retrained: SplitAccuracies = Field(description="of the models that never saw the forget set")


class EpsilonSummary(Part):
    """Epsilon of the forget examples: how well an attacker tells unlearned from retrained models by one of them."""

    edges: tuple[_Nats, ...] = Field(
        min_length=1, description="where each bucket of epsilon begins, in nats; the last one is open"
    )
    points: tuple[Fraction, ...] = Field(
        description="what an example in each bucket earns, 0 to 1; further buckets earn 0"
    )
    counts: tuple[_Count, ...] = Field(min_length=1, description="forget examples in each bucket")
    median: float = Field(description="median over the forget examples, in nats")
    per_example: tuple[float, ...] | None = maybe("of each forget example, in nats; not for participants where hidden")
    lower: tuple[float, ...] | None = maybe("95 % lower bound of each, in nats; hidden with `per_example`")
    mu: tuple[float, ...] | None = maybe("the same as a distance, in standard deviations; hidden with `per_example`")
    attack: tuple[str, ...] | None = maybe("family of the attack that won each; hidden with `per_example`")

    @model_validator(mode="after")
    def _check_buckets(self) -> "EpsilonSummary":
        if not len(self.points) <= len(self.edges) == len(self.counts):
            raise ValueError("`edges` and `counts` must be of one length, `points` no longer")
        return self


class MeasuredRuntime(Part):
    """What one run costs, as a share of one retraining in the same sandbox."""

    estimate: float = Field(description="what the gate reads, a fraction of one retraining")
    low: float = Field(description="lower end of its interval")
    high: float = Field(description="upper end of its interval")
    wall: float = Field(description="by the wall clock, a fraction of one retraining")
    cpu: float = Field(description="by processor time, a fraction of one retraining")
    gate: str | None = maybe("what the gate judges: `cpu`, processor time, or `larger`, of it and the wall clock")
    level: float | None = maybe("share of such intervals that hold, a fraction")
    yardsticks: int | None = maybe("short pieces of retraining that ran among the runs; 0: compared with calibration")
    clock: str | None = maybe("whose processor time: `cgroup`, all of the box's, or `process`, what was waited for")
    waited: float | None = maybe("share of their wall clock that the runs were ready and had no core")
    budget: float = Field(description="the largest fraction that is ranked")
    over_budget: bool = Field(
        description="whether `low` is above `budget`, or was before and `high` is still; before form 3, `estimate`"
    )
    seconds_per_replica: float = Field(description="wall clock of one run, in seconds")
    retrain_seconds: float = Field(description="wall clock of one retraining, in seconds")


class ModelCounts(Part):
    """How many models each pool holds."""

    unlearned: int = Field(description="runs of the submission that were scored")
    retrained: int = Field(description="models they are compared with")
    control: int = Field(description="models of the second retrained bank, behind the ceiling")
    originals: int = Field(description="models that unlearning starts from; the runs take turns")


class PoolDigests(Part):
    """SHA-256 of the pools that were drawn for the problem."""

    original: str = Field(description="of the models that unlearning starts from")
    retrained: str = Field(description="of the models without the forget set")
    control: str = Field(description="of the second retrained bank")


class Provenance(Part):
    """All it takes to compute the score again."""

    evaluation_id: str = Field(description="the attempt this is the result of")
    spec_digest: str = Field(description="SHA-256 of the evaluation's terms; empty at home")
    source_digest: str = Field(description="SHA-256 of the upload; empty at home")
    problem_digest: str = Field(description="SHA-256 of the problem")
    manifest_digest: str = Field(description="SHA-256 over the problem's data and splits")
    pool_digests: PoolDigests = Field(description="SHA-256 of each pool")
    calibrations: tuple[str, ...] = Field(description="evaluations that measured retraining")
    sandbox: str = Field(description="kind of sandbox the runs were in")
    node_class: str = Field(description="class of the node they ran on")
    versions: dict[str, str] = Field(description="version of Python and of each library that scored, by name")


class AttackLine(Part):
    """One family of attacks."""

    attack: str = Field(description="name of the family")
    won: int = Field(description="forget examples that it won under the ranking rule")
    median_epsilon: float | None = Field(description="had it been the only one, in nats; null if not computed alone")


class RaisedFlag(Part):
    """A check that fired; it accuses nobody and changes no score: docs/flags.md."""

    code: str = Field(description="which check")
    severity: str = Field(description="`notice`, `suspicious` or `strong`")
    value: float | None = maybe("what was measured; not for participants where hidden")
    threshold: float | None = maybe("from where on it fires; hidden with `value`")
    fires: str | None = maybe("`below` or `above` the threshold; hidden with `value`")
    detail: str | None = maybe("one sentence for who does not know the check; hidden with `value`")


class FlagCheck(Part):
    """One check, whether it fired or not."""

    code: str = Field(description="which check")
    severity: str | None = Field(description="null if it did not fire")
    value: float | None = Field(description="what was measured; null if it could not be, and `detail` says why")
    threshold: float | None = Field(description="from where on it fires; null with `value`")
    fires: str = Field(description="`below` or `above` the threshold")
    detail: str = Field(description="one sentence for who does not know the check")


class MetricLine(Part):
    """One metric of the literature, beside what retrained models get: docs/metrics.md."""

    id: str = Field(description="which definition; never compare values of different ids")
    name: str = Field(description="as papers print it")
    group: str = Field(description="`accuracy`, `membership`, `divergence`, `aggregate` or `klom`")
    unit: str = Field(description="percent, percent points, fraction, nats, seconds or minutes")
    better: str = Field(description="`lower`, `higher` or `closer to retrained`")
    variant: str = Field(description="what tells it from others of the same name")
    source: str = Field(description="the paper that defines it")
    value: float | None = Field(description="in `unit`, mean over the models; null if there is none, with a `note`")
    standard_error: float | None = Field(description="of that mean, in `unit`")
    interval: tuple[float, float] | None = Field(description="95 %, in `unit`; null with too few models to tell")
    models: int = Field(description="how many models the value is over")
    retrained: float | None = Field(description="what models get that never saw the forget set, in `unit`")
    retrained_standard_error: float | None = Field(description="of that, in `unit`")
    originals_per_run: int = Field(description="1: every run starts from the same original; more: they take turns")
    note: str = Field(description="why there is no value; empty otherwise")


class EarlyDecision(Part):
    """The runs were stopped because the place on the board was clear: docs/adaptive.md."""

    standing: str = Field(description="relative to the rival: `behind`")
    rival_place: int = Field(description="place on the board that it was compared with")
    alpha: float = Field(description="chance of ever stopping an entry that equals its rival")
    after: int = Field(description="replicas that ran")
    of: int = Field(description="replicas that would have run")
    rival: str | None = maybe("submission it was compared with; on open problems only")
    difference: float | None = maybe("score minus the rival's at that point; on open problems only")
    low: float | None = maybe("lower end of that difference's interval; on open problems only")
    high: float | None = maybe("upper end of that difference's interval; on open problems only")


class ScorecardRecord(Part):
    """Everything a score was made from."""

    version: int = Field(default=FORM, description="form of this record")
    metric_version: str = Field(description="of the metric: scores of different versions do not compare")
    protocol: str = Field(description="the protocol that ranks")
    score: MeasuredScore = Field(description="what ranks, by the metric version's formula")
    pairs: PairScores | None = maybe("the scores it is the mean of, where there are several originals or requests")
    protocols: ProtocolScores = Field(description="the same runs under each protocol")
    forgetting_quality: float = Field(description="mean of the points of all forget examples, 0 to 1")
    likeness: SplitLikeness | None = maybe("the same points on forget, test and retain examples")
    joint: JointTelling | None = maybe("how well all outputs together tell the pools apart")
    utility: AccuracyKept = Field(description="accuracy kept, relative to the retrained models")
    share: str | None = maybe("what the accuracies are where they are none: R² where a number is learnt")
    unlearning_accuracy: float = Field(description="UA: 100 minus the accuracy on the forget set, percent")
    retain_accuracy: float = Field(description="RA, percent")
    test_accuracy: float = Field(description="TA, percent")
    epsilon: EpsilonSummary = Field(description="how well the forget examples were forgotten")
    ceiling: Ceiling = Field(description="what a second bank of retrained models scores")
    accuracy: PoolAccuracies = Field(description="mean accuracies of both pools")
    relative_runtime: MeasuredRuntime = Field(description="unlearning time ÷ retraining time")
    replicas: ModelCounts = Field(description="models of each pool")
    provenance: Provenance = Field(description="what it was computed from, by digest and version")
    attacks: tuple[AttackLine, ...] | None = maybe("every family of attacks")
    flags: tuple[RaisedFlag, ...] | None = maybe("checks that fired")
    flag_checks: tuple[FlagCheck, ...] | None = maybe("every check; not for participants where hidden")
    metrics: tuple[MetricLine, ...] | None = maybe("the literature's metrics")
    decision: EarlyDecision | None = maybe("how it ended early; only where it did")
    report_digest: _Digest | None = maybe("SHA-256 of the HTML report, which shows no more than this reader sees")


class ScorecardSummary(Part):
    """What lists show of a scorecard, so that they do not read the whole of it; it tells of no single example."""

    score_corrected: float | None = Field(None, description="score without the bias of a finite number of replicas")
    neurips2023: float | None = Field(None, description="score under the 2023 rule")
    exact: float | None = Field(None, description="score under the exact protocol")
    forgetting_quality: float | None = Field(None, description="mean of the points of all forget examples, 0 to 1")
    test_quality: float | None = Field(None, description="mean of the points of test examples, 0 to 1")
    retain_quality: float | None = Field(None, description="mean of the points of retain examples, 0 to 1")
    balance: float | None = Field(None, description="1: one model does not tell forget from test examples, 0 to 1")
    utility: float | None = Field(None, description="accuracy kept, retain × test")
    unlearning_accuracy: float | None = Field(None, description="UA, percent")
    retain_accuracy: float | None = Field(None, description="RA, percent")
    test_accuracy: float | None = Field(None, description="TA, percent")
    over_budget: bool = Field(default=False, description="whether the runs cost more than the compute budget")
    relative_runtime_low: float | None = Field(None, description="lower end of the runtime's interval")
    relative_runtime_high: float | None = Field(None, description="upper end of the runtime's interval")
    runtime_clock: str | None = Field(None, description="whose processor time: `cgroup` or `process`")
    noise_shared: float | None = Field(None, description="share of its variance from originals and requests")
    ceiling: Ceiling | None = Field(None, description="what a second bank of retrained models scores")
    flags: tuple[str, ...] = Field(default=(), description="codes of the checks that fired")


def parse_scorecard(stored: Mapping[str, Any]) -> ScorecardRecord:
    """A scorecard as the database keeps it, of any form; raises UnreadableScorecard."""
    form = _find_form(stored)
    if form > FORM:
        raise UnreadableScorecard(f"a scorecard of form {form}; this release reads forms up to {FORM}")
    try:
        return ScorecardRecord.model_validate(upgrade(stored, form))
    except ValidationError as error:
        raise UnreadableScorecard(f"a scorecard of form {form} is damaged: {_say(error)}") from None


class Indexable(Protocol[_PickedCo]):
    """What gives a part of itself by name: a stored body, or the column of a table that holds them."""

    def __getitem__(self, name: str, /) -> _PickedCo: ...


def pick_flags(body: Indexable[_Picked]) -> _Picked:
    """Where a stored scorecard of any form has its flags, for who reads nothing else of it."""
    return body["flags"]


def parse_flags(stored: Sequence[Mapping[str, Any]]) -> tuple[RaisedFlag, ...]:
    """The flags of a stored scorecard, read without the rest of it; they are the same in every form."""
    return tuple(map(RaisedFlag.model_validate, stored))


def read_scorecard(answer: Mapping[str, Any]) -> ScorecardRecord:
    """A scorecard as another server tells it, which may be newer: what is not known here is passed over."""
    form = _find_form(answer)
    try:
        return ScorecardRecord.model_validate(upgrade(answer, form), extra="ignore")
    except ValidationError as error:
        raise UnreadableScorecard(f"a scorecard of form {form} cannot be read here: {_say(error)}") from None


def dump_scorecard(record: ScorecardRecord) -> dict[str, Any]:
    """As it is stored and told."""
    return record.model_dump(mode="json")


def name_report(record: ScorecardRecord, digest: str) -> ScorecardRecord:
    """The record with the report that was drawn of it."""
    return record.model_copy(update={"report_digest": digest})


def summarize(record: ScorecardRecord) -> ScorecardSummary:
    """The figures a board shows beside the score, the ceiling, and which flags fired."""
    return ScorecardSummary(
        score_corrected=record.score.corrected,
        neurips2023=record.protocols.neurips2023,
        exact=record.protocols.exact,
        forgetting_quality=record.forgetting_quality,
        test_quality=record.likeness.test if record.likeness else None,
        retain_quality=record.likeness.retain if record.likeness else None,
        balance=record.likeness.balance if record.likeness else None,
        utility=record.utility.value,
        unlearning_accuracy=record.unlearning_accuracy,
        retain_accuracy=record.retain_accuracy,
        test_accuracy=record.test_accuracy,
        over_budget=record.relative_runtime.over_budget,
        relative_runtime_low=record.relative_runtime.low,
        relative_runtime_high=record.relative_runtime.high,
        runtime_clock=record.relative_runtime.clock,
        noise_shared=record.pairs.noise.shared if record.pairs and record.pairs.noise else None,
        ceiling=record.ceiling,
        flags=tuple(flag.code for flag in record.flags or ()),
    )


def parse_summary(stored: Mapping[str, Any]) -> ScorecardSummary:
    """A summary as the database keeps it; rows from before a field was added lack it."""
    return ScorecardSummary.model_validate(stored)


def dump_summary(summary: ScorecardSummary) -> dict[str, Any]:
    return summary.model_dump(mode="json")


def _say(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def _find_form(body: Mapping[str, Any]) -> int:
    form = find_form(body)
    if form is None:
        raise UnreadableScorecard(f"{str(body.get('version'))[:20]!r} is no form of a scorecard")
    return form
