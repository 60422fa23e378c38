"""What can be said about two published pools, as one typed record; epsilons and KLOM in nats, the rest as named."""

from typing import Any

from pydantic import BaseModel, ConfigDict

Values = tuple[float, ...]  # one for each forget example


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PoolLine(_Part):
    file: str
    replicas: int
    made_from: str
    dtype: str
    originals: str


class Estimate(_Part):
    """A score with its interval; two models cannot tell where it ends."""

    estimate: float
    low: float
    high: float | None
    level: float


class ScoreEstimate(Estimate):
    utility: float


class EpsilonLine(_Part):
    median: float
    mean: float
    p95: float
    max: float
    per_example: Values
    lower: Values


class ProtocolLine(_Part):
    forgetting_quality: float
    epsilon: EpsilonLine
    attacks: dict[str, int]  # forget examples that each family won


class FamilyLine(_Part):
    """Epsilon had one family of attacks been the only one."""

    median: float
    mean: float


class KlomLine(_Part):
    mean: float
    p95: float
    mean_low: float
    mean_high: float | None
    level: float
    per_example: Values


class ExcessLine(_Part):
    """KLOM over its noise floor."""

    mean: float
    p95: float
    mean_low: float | None
    mean_high: float | None
    level: float
    floor_mean: float
    floor_p95: float
    floor_from: str
    unlearned_replicas: int
    retrained_replicas: int
    per_example: Values


class KlomTable(_Part):
    """Each published version, and ours."""

    klom: KlomLine
    klom_b25: KlomLine
    klom_d24: KlomLine
    klom_oracle_bins: KlomLine
    klom_excess: ExcessLine | None


class UliraLine(_Part):
    """Gaussians fitted per example on one half of the models and judged on the other; all of it fractions."""

    accuracy_low: float
    auc_low: float
    true_positive_rate_low: float
    accuracy_high: float | None
    auc_high: float | None
    true_positive_rate_high: float | None
    level: float
    accuracy: float
    auc: float
    true_positive_rate: float
    false_positive_rate: float
    per_example: Values


class LiteratureLine(_Part):
    """One metric of the papers; `retrained` is null where it compares the two pools itself."""

    id: str
    name: str
    unit: str
    value: float
    standard_error: float | None
    models: int
    retrained: float | None
    gap: float | None


class PublishedScore(_Part):
    metric_version: str
    originals: str  # what the unlearned models started from
    pools: dict[str, PoolLine]
    examples: int
    ranked_by: str
    attacks: tuple[str, ...]  # families that held_out chose from
    forgetting_quality: Estimate
    control: Estimate | None  # the control pool in the place of the unlearned one
    score: ScoreEstimate | None  # None without accuracies
    alone: dict[str, FamilyLine]
    protocols: dict[str, ProtocolLine]
    klom: KlomTable
    u_lira: UliraLine | None  # None with too few models
    literature: tuple[LiteratureLine, ...] = ()  # what the given sets allow


def dump_published(record: PublishedScore) -> dict[str, Any]:
    """As it is told."""
    return record.model_dump(mode="json")
