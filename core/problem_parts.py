"""The parts of a problem file: what a problem consists of, each part validated alone."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from core.domain.intake.data import DEFAULT_DATA_BYTES
from core.domain.seeds import SEED_BITS, is_drawn, read_seed, write_seed

DATA_SET = "data_set"  # the package of what was uploaded
MIN_REPLICAS = 16  # an interval needs halves that can be cut into folds
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Package = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Options = dict[str, bool | int | float | str | list[int]]
Seed = Annotated[
    int,
    Field(ge=0, lt=2**SEED_BITS),
    BeforeValidator(read_seed),
    PlainSerializer(write_seed, return_type=int | str, when_used="json"),
]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class KindName(StrEnum):
    """What a problem is about; what follows from it is in `sandbox.kinds`."""

    IMAGE_CLASSIFICATION = "image_classification"
    TABULAR_CLASSIFICATION = "tabular_classification"
    TEXT_CLASSIFICATION = "text_classification"
    TABULAR_REGRESSION = "tabular_regression"


class BatchFormat(StrEnum):
    PAIR = "pair"  # (x, y)
    MAPPING = "mapping"  # {"image": x, "age_group": y, "image_id": …, "age": …, "person_id": …}, as in 2023


class TrainingStrategy(StrEnum):
    STACKED = "stacked"  # many replicas as one computation
    ONE_BY_ONE = "one_by_one"  # a process per core, channels-last
    AUTO = "auto"


class Gate(StrEnum):
    """Which clock relative runtime is read from; a replica's wall-clock limit holds under either."""

    CPU = "cpu"  # processor seconds, which a busy neighbour hardly stretches; half the wall-clock ratio if larger
    LARGER = "larger"  # of processor and wall-clock ratio: where work may run on a device


class DataPart(Part):
    """A package of `sandbox.problems`, or `set = "name@digest"`: an uploaded data set, the package `data_set`."""

    package: Package
    options: Options = {}

    @model_validator(mode="before")
    @classmethod
    def _read_set(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "set" not in values:
            return values
        options = values.get("options", {})
        if "package" in values or not isinstance(options, dict) or "set" in options:
            raise ValueError("`data` names a package or a set, once")
        rest = {name: value for name, value in values.items() if name != "set"}
        return {**rest, "package": DATA_SET, "options": {**options, "set": values["set"]}}

    @property
    def reference(self) -> str | None:
        """`name@…` of an uploaded data set."""
        named = self.options.get("set") if self.package == DATA_SET else None
        return str(named) if named is not None else None


class NetworkPart(Part):
    package: Package
    options: Options = {}


def later(default: Any) -> Any:
    """A value that older files do not say: left out of the digest where it is what they mean."""
    return Field(default, exclude_if=lambda value: value == default)


class Optimizer(StrEnum):
    SGD = "sgd"
    ADAM = "adam"
    ADAMW = "adamw"


class Schedule(StrEnum):
    """How the learning rate goes over the steps of a training."""

    ONE_CYCLE = "one_cycle"  # up to the peak in `warmup_fraction`, down to nothing in the rest
    COSINE = "cosine"
    MULTI_STEP = "multi_step"  # times `decay` at every one of `milestones`
    CONSTANT = "constant"


class RecipePart(Part):
    """How the originals and the retrained models are trained."""

    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    optimizer: Optimizer = Optimizer.SGD
    learning_rate: float = Field(gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)  # of SGD
    weight_decay: float = Field(default=0.0, ge=0)
    schedule: Schedule = Schedule.ONE_CYCLE
    warmup_fraction: float = Field(default=0.2, ge=0, lt=1)  # of one_cycle
    warmup_epochs: Annotated[float, Field(ge=0)] = later(0.0)  # of the other schedules
    milestones: list[Annotated[int, Field(ge=1)]] | None = later(None)  # epochs
    decay: Annotated[float, Field(gt=0, lt=1)] = later(0.1)
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = later(0.0)
    class_weights: list[Annotated[float, Field(gt=0)]] | None = later(None)

    @model_validator(mode="after")
    def _check_schedule(self) -> "RecipePart":
        steps = self.milestones
        if (self.schedule is Schedule.MULTI_STEP) != (steps is not None):
            raise ValueError("`milestones` and the schedule 'multi_step' come together or not at all")
        if steps is not None and (not steps or steps != sorted(set(steps)) or steps[-1] >= self.epochs):
            raise ValueError(f"`milestones` must be epochs that rise and lie below {self.epochs}")
        if self.warmup_epochs and self.schedule is Schedule.ONE_CYCLE:
            raise ValueError("the schedule 'one_cycle' warms up by `warmup_fraction`, not by `warmup_epochs`")
        if self.warmup_epochs > self.epochs:
            raise ValueError("`warmup_epochs` is longer than the training")
        return self


class SplitPart(Part):
    """How the data set is cut; the forget set is then taken out of the training part."""

    train: int | None = Field(default=None, ge=2)  # None: everything the data set calls training
    validation: int = Field(ge=1)
    test: int | None = Field(default=None, ge=1)
    label_noise: float = Field(default=0.0, ge=0, lt=1)  # share of train labels replaced at random
    seed: Seed


class RequestKind(StrEnum):
    """Which training examples must go; the value that the kind needs stands in NEEDED."""

    RANDOM = "random"
    STRATIFIED = "stratified"  # drawn at random, the same share of every class
    CLASS = "class"
    CLASSES = "classes"
    GROUPS = "groups"  # by a column of the data: everybody with a value, or some of the people
    IDS = "ids"
    HARDEST = "hardest"  # the most memorised ones, named by id as `lacuna problem hardest` finds them
    RELABELLED = "relabelled"  # canaries drawn at random, each with a label that is not its own
    POISONED = "poisoned"  # canaries drawn at random, their values blurred by as much noise as the data vary


NEEDED = {
    RequestKind.RANDOM: "fraction",
    RequestKind.STRATIFIED: "fraction",
    RequestKind.CLASS: "class_index",
    RequestKind.CLASSES: "classes",
    RequestKind.GROUPS: "column",
    RequestKind.IDS: "ids",
    RequestKind.HARDEST: "ids",
    RequestKind.RELABELLED: "fraction",
    RequestKind.POISONED: "fraction",
}
ALSO: dict[RequestKind, frozenset[str]] = {
    RequestKind.CLASS: frozenset({"fraction"}),
    RequestKind.CLASSES: frozenset({"fraction"}),
    RequestKind.GROUPS: frozenset({"fraction", "values"}),
}
OF_CLASSES = frozenset(
    {RequestKind.CLASS, RequestKind.CLASSES, RequestKind.STRATIFIED, RequestKind.RELABELLED}
)  # make no sense where a number is learnt


class Labels(StrEnum):
    """Which labels a request for classes goes by, where some were replaced at random."""

    TRAINED = "trained"  # as the models see them
    TRUE = "true"


class Outside(StrEnum):
    """What becomes of ids that are not in the training part."""

    REFUSED = "refused"
    IGNORED = "ignored"


def _count_from_zero(value: int | str) -> int | str:
    if isinstance(value, int) and value < 0:
        raise ValueError("classes are counted from 0")
    return value


ClassName = Annotated[int | str, AfterValidator(_count_from_zero)]  # a place among the classes, or a name of the data


class ForgetPart(Part):
    """Which training examples must go."""

    kind: RequestKind
    fraction: float | None = Field(default=None, gt=0, lt=1)  # of all; of each class or of the groups, with those
    class_index: ClassName | None = None
    ids: list[int] | None = None
    classes: list[ClassName] | None = later(None)
    column: str | None = later(None)
    values: list[int] | None = later(None)  # of the column
    together: str | None = later(None)  # a column whose groups go whole or not at all, such as who a picture shows
    labels: Labels = later(Labels.TRAINED)
    outside: Outside = later(Outside.REFUSED)
    seed: Seed = 0

    @model_validator(mode="after")
    def _check_kind(self) -> "ForgetPart":
        wanted, name = NEEDED[self.kind], self.kind.value
        if getattr(self, wanted) is None:
            found = "; `lacuna problem hardest` finds them" if self.kind is RequestKind.HARDEST else ""
            raise ValueError(f"a forget request of kind {name!r} needs `{wanted}`{found}")
        fields = {*NEEDED.values(), "values"}
        if any(getattr(self, field) is not None for field in fields - {wanted} - ALSO.get(self.kind, frozenset())):
            raise ValueError(f"a forget request of kind {name!r} takes no other kind's values")
        if self.kind is RequestKind.GROUPS and (self.values is None) == (self.fraction is None):
            raise ValueError(
                "a forget request of kind 'groups' needs `values` of the column, or the `fraction` of them"
            )
        if self.labels is Labels.TRUE and self.kind not in OF_CLASSES - {RequestKind.RELABELLED}:
            raise ValueError(f"`labels` is for requests by class, not of kind {name!r}")
        if self.outside is Outside.IGNORED and self.ids is None:
            raise ValueError(f"`outside` is for requests that name ids, not of kind {name!r}")
        return self

    @model_validator(mode="after")
    def _check_lists(self) -> "ForgetPart":
        for name in ("classes", "values"):
            found = getattr(self, name)
            if found is not None and (not found or len(set(found)) < len(found)):
                raise ValueError(f"`{name}` must name one or more, each once")
        return self

    @property
    def is_part_of_class(self) -> bool:
        """Some of a class go: the class itself stays, and is still asked for."""
        return self.kind in (RequestKind.CLASS, RequestKind.CLASSES) and self.fraction is not None

    @property
    def named_classes(self) -> tuple[int | str, ...]:
        """The classes that go, in whole or in part, as the request names them."""
        return tuple(self.classes or ()) if self.class_index is None else (self.class_index,)

    @property
    def seeds(self) -> dict[str, int]:
        """Empty where the kind reads none."""
        return {"forget.seed": self.seed} if is_drawn(self.model_dump()) else {}


class Scored(StrEnum):
    """What becomes of replicas that started from several originals."""

    APART = "apart"  # those of each are a pool of their own, and the mean of their scores ranks
    TOGETHER = "together"  # all are one pool: what is drawn anew with every replica is an original too


class PoolPart(Part):
    replicas: int = Field(ge=MIN_REPLICAS)  # of each bank, for each forget request
    originals: int = Field(default=1, ge=1)  # 1: every replica starts from the same original, as in 2023
    scored: Scored | None = later(None)  # of several originals
    strategy: TrainingStrategy = TrainingStrategy.AUTO
    seed: Seed

    @model_validator(mode="before")
    @classmethod
    def _say_scored(cls, values: Any) -> Any:
        """Said in what is stored: before it could be said, several were scored together."""
        if not isinstance(values, dict) or values.get("originals", 1) in (None, 1):
            return values
        return values if values.get("scored") is not None else {**values, "scored": Scored.APART}

    @model_validator(mode="after")
    def _check_scored(self) -> "PoolPart":
        if self.scored is not None and self.originals == 1:
            raise ValueError("`scored` is for several originals, and there is one")
        return self

    @property
    def apart(self) -> int:
        """Originals whose replicas are scored apart."""
        return self.originals if self.scored is Scored.APART else 1


class AdaptivePart(Part):
    """An entry that is decidedly behind one place of the board ends with fewer replicas: docs/adaptive.md."""

    alpha: float = Field(default=0.05, gt=0, lt=1)  # chance of ever stopping an entry that equals its rival
    rival_place: int = Field(default=1, ge=1)  # whose place an entry must be behind to be stopped
    min_replicas: int = Field(default=64, ge=MIN_REPLICAS)  # no decision before


# Of one confidence per model. A regression on all logits is reported with every scorecard, and never ranks.
AttackName = Literal["half_line", "interval", "complement", "likelihood_ratio", "kernel_density"]

DEFAULT_ATTACKS: tuple[AttackName, ...] = ("half_line", "interval", "complement", "likelihood_ratio")


class EvaluationPart(Part):
    replicas: int = Field(ge=MIN_REPLICAS)
    canary_replicas: int = Field(default=8, ge=2)
    shard_replicas: int = Field(default=64, ge=1)
    calibration_replicas: int = Field(default=16, ge=2)
    compute_budget: float = Field(default=0.10, gt=0)
    gate: Gate = Gate.CPU
    protocol: Literal["held_out", "neurips2023", "exact"] = "held_out"
    attacks: list[AttackName] = Field(default=list(DEFAULT_ATTACKS), min_length=1)  # held_out chooses from these
    batch_size: int = Field(default=64, ge=1)  # of the loaders a submission receives
    batch_format: BatchFormat = BatchFormat.PAIR
    wall_seconds_floor: float = Field(default=10.0, gt=0)  # no replica is killed sooner than this
    wall_seconds_ceiling: float = Field(default=600.0, gt=0)  # of a run whose gate is lifted, or not calibrated yet
    canary_margin: float = Field(default=1.5, ge=1)  # a shard but the last ends an entry only this far over the budget
    memory_bytes: int = Field(default=2 << 30, ge=64 << 20)
    scratch_bytes: int = Field(default=64 << 20, ge=1 << 20)
    log_bytes: int = Field(default=64 << 10, ge=0)
    processes: int = Field(default=64, ge=1)
    rerun_replicas: int = Field(default=1, ge=0, le=4)  # of the canary, run again with equal seeds: docs/flags.md
    data_bytes: int = Field(default=DEFAULT_DATA_BYTES, ge=256, le=5 << 20)  # that a submission may bring beside code
    allow_native: bool = False  # machine code that the image did not bring: docs/sandbox.md
    adaptive: AdaptivePart | None = None  # None: every entry runs all replicas

    @model_validator(mode="after")
    def _check_together(self) -> "EvaluationPart":
        if len(set(self.attacks)) < len(self.attacks):
            raise ValueError("`attacks` names a family twice")
        if self.adaptive is not None and self.adaptive.min_replicas >= self.replicas:
            raise ValueError("`adaptive.min_replicas` must be below `replicas`: otherwise no replica is saved")
        return self
