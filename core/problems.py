"""Problem files: a problem is data, validated here; its network and tensors are code in `sandbox.problems`."""

import hashlib
import json
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from core.domain.errors import InvalidInput, NotFound
from core.domain.exposure import Exposure
from core.domain.intake.data import DEFAULT_DATA_BYTES
from core.domain.seeds import SEED_BITS, check_hidden_seeds, find_first_missing, is_drawn, read_seed, write_seed

DATA_SET = "data_set"  # the package of what was uploaded
MIN_REPLICAS = 16  # an interval needs halves that can be cut into folds
VERIFIED_PACKAGES = frozenset({"torchvision_sets"})  # refuse files other than the published ones
PUBLISHED_PACKAGES = frozenset({"digits", "fashion_mnist"})
PROBLEM_FOLDER = Path(__file__).resolve().parent.parent / "problems"
OWN_CHECK = "Value error, "  # as pydantic begins what our own checks say
STORED = "stored"  # context of reading what was registered by a release that took smaller seeds
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Package = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Options = dict[str, bool | int | float | str | list[int]]
Seed = Annotated[
    int,
    Field(ge=0, lt=2**SEED_BITS),
    BeforeValidator(read_seed),
    PlainSerializer(write_seed, return_type=int | str, when_used="json"),
]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


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


class DataPart(_Model):
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


class NetworkPart(_Model):
    package: Package
    options: Options = {}


class RecipePart(_Model):
    """How the originals and the retrained models are trained."""

    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    optimizer: Literal["sgd"] = "sgd"
    learning_rate: float = Field(gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    schedule: Literal["one_cycle", "cosine", "constant"] = "one_cycle"
    warmup_fraction: float = Field(default=0.2, ge=0, lt=1)


class SplitPart(_Model):
    """How the data set is cut; the forget set is then taken out of the training part."""

    train: int | None = Field(default=None, ge=2)  # None: everything the data set calls training
    validation: int = Field(ge=1)
    test: int | None = Field(default=None, ge=1)
    label_noise: float = Field(default=0.0, ge=0, lt=1)  # share of train labels replaced at random
    seed: Seed


class ForgetPart(_Model):
    """Which training examples must go."""

    kind: Literal["random", "class", "ids"]
    fraction: float | None = Field(default=None, gt=0, lt=1)  # of all; of the class, with a class
    class_index: int | None = Field(default=None, ge=0)
    ids: list[int] | None = None
    seed: Seed = 0

    @model_validator(mode="after")
    def _check_kind(self) -> "ForgetPart":
        needed = {"random": self.fraction, "class": self.class_index, "ids": self.ids}
        if needed[self.kind] is None:
            name = {"random": "fraction", "class": "class_index", "ids": "ids"}[self.kind]
            raise ValueError(f"a forget request of kind {self.kind!r} needs `{name}`")
        if self.is_part_of_class:
            return self
        if any(value is not None for kind, value in needed.items() if kind != self.kind):
            raise ValueError(f"a forget request of kind {self.kind!r} takes no other kind's values")
        return self

    @property
    def is_part_of_class(self) -> bool:
        """Some of a class go: the class itself stays, and is still asked for."""
        return self.kind == "class" and self.fraction is not None and self.ids is None

    @property
    def seeds(self) -> dict[str, int]:
        """Empty where the kind reads none."""
        return {"forget.seed": self.seed} if is_drawn(self.model_dump()) else {}


class PoolPart(_Model):
    replicas: int = Field(ge=MIN_REPLICAS)
    originals: int = Field(default=1, ge=1)  # 1: every replica starts from the same original, as in 2023
    strategy: TrainingStrategy = TrainingStrategy.AUTO
    seed: Seed


class AdaptivePart(_Model):
    """An entry that is decidedly behind one place of the board ends with fewer replicas: docs/adaptive.md."""

    alpha: float = Field(default=0.05, gt=0, lt=1)  # chance of ever stopping an entry that equals its rival
    rival_place: int = Field(default=1, ge=1)  # whose place an entry must be behind to be stopped
    min_replicas: int = Field(default=64, ge=MIN_REPLICAS)  # no decision before


# Of one confidence per model. A regression on all logits is reported with every scorecard, and never ranks.
AttackName = Literal["half_line", "interval", "complement", "likelihood_ratio", "kernel_density"]
DEFAULT_ATTACKS: tuple[AttackName, ...] = ("half_line", "interval", "complement", "likelihood_ratio")


class EvaluationPart(_Model):
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


class PrivatePart(_Model):
    """Another forget request of the same problem, unread until the end; the rest is as in the public one."""

    forget: ForgetPart
    split_seed: Seed | None = None  # None: cut as the public one
    pool_seed: Seed


class PracticePart(_Model):
    """What participants practise on, seeing everything: another problem, or another request on published data."""

    problem: Slug | None = None  # of exposure practice
    forget: ForgetPart | None = None
    split_seed: Seed | None = None
    pool_seed: Seed | None = None

    @model_validator(mode="after")
    def _check_form(self) -> "PracticePart":
        own = (self.forget, self.split_seed, self.pool_seed)
        if self.problem is not None and any(value is not None for value in own):
            raise ValueError("`practice` names a `problem` or asks for its own `forget`, not both")
        if self.problem is None and any(value is None for value in own):
            raise ValueError("`practice` names a `problem`, or all of `forget`, `split_seed` and `pool_seed`")
        return self


class ProblemSpec(_Model):
    slug: Slug
    title: str = Field(min_length=1, max_length=120)
    summary: str = ""
    kind: Literal["image_classification"] = "image_classification"
    exposure: Exposure = Exposure.PRACTICE
    data: DataPart
    network: NetworkPart
    recipe: RecipePart
    split: SplitPart
    forget: ForgetPart
    pools: PoolPart
    evaluation: EvaluationPart
    # never dumped: it is no part of the digest, of what is stored as the public problem, or of what anybody is shown
    private: PrivatePart | None = Field(default=None, exclude=True, repr=False)
    practice: PracticePart | None = Field(default=None, exclude=True, repr=False)

    @model_validator(mode="after")
    def _check_private(self) -> "ProblemSpec":
        part = self.private
        if part and part.forget == self.forget and part.split_seed in (None, self.split.seed):
            raise ValueError("`private` has the public problem's forget request: give it another seed or request")
        return self

    @model_validator(mode="after")
    def _check_practice(self) -> "ProblemSpec":
        if self.practice is not None:
            check_practice(self, self.practice)
        return self

    @model_validator(mode="after")
    def _check_seeds(self, info: ValidationInfo) -> "ProblemSpec":
        if info.context != STORED:
            check_hidden_seeds(self.hidden_seeds)
        return self

    @model_validator(mode="after")
    def _check_exposure(self) -> "ProblemSpec":
        if self.exposure is Exposure.PRIVATE and self.evaluation.adaptive is not None:
            raise ValueError("a private problem gives the final ranking, which runs all replicas: take out `adaptive`")
        return self

    def make_private(self) -> "ProblemSpec | None":
        """The problem of the private phase: pools of its own, and every finalist runs all replicas."""
        part = self.private
        return self._ask(Exposure.PRIVATE, part.forget, part.split_seed, part.pool_seed) if part else None

    def make_practice(self) -> "ProblemSpec | None":
        """The problem of a practice phase that asks for its own request; None if it names another problem."""
        part = self.practice
        return (
            self._ask(Exposure.PRACTICE, part.forget, part.split_seed, part.pool_seed) if part and part.forget else None
        )

    def _ask(self, exposure: Exposure, forget: ForgetPart, split_seed: int | None, pool_seed: int | None) -> Self:
        """Another request of the same problem. split_seed: None cuts the data as here."""
        changes = {
            "exposure": exposure,
            "split": self.split.model_dump() | ({} if split_seed is None else {"seed": split_seed}),
            "forget": forget.model_dump(),
            "pools": self.pools.model_dump() | {"seed": pool_seed},
            "evaluation": self.evaluation.model_dump() | {"adaptive": None},
        }
        return self.model_validate(self.model_dump() | changes)

    @property
    def seeds(self) -> dict[str, int]:
        """What the problem itself draws from, its phases aside."""
        return {"split.seed": self.split.seed, "pools.seed": self.pools.seed, **self.forget.seeds}

    @property
    def hidden_seeds(self) -> dict[str, int]:
        """What the public phase, unless it shows everything, and the private one draw from, by path in the file."""
        found = {} if self.exposure.is_open else self.seeds
        if self.private is None:
            return found
        split_seed = self.split.seed if self.private.split_seed is None else self.private.split_seed
        seeds = {"split_seed": split_seed, "pool_seed": self.private.pool_seed, **self.private.forget.seeds}
        return found | {f"private.{name}": seed for name, seed in seeds.items()}

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON: the problem's identity."""
        body = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(body.encode()).hexdigest()


def check_practice(spec: ProblemSpec, part: PracticePart) -> None:
    """Refuse a practice phase that could show anything of what the other phases hide."""
    if spec.exposure.is_open:
        raise ValueError("a problem of exposure practice shows everything already: take out `practice`")
    if part.forget is None:
        return
    if not is_published(spec.data):
        raise ValueError(
            "`practice` would show the hidden data: code prints what it sees, and practice shows what it prints."
            " Name a `problem` of exposure practice instead; a request of its own needs a data set that is published"
        )
    check_draws(spec, part)


def check_draws(spec: ProblemSpec, part: PracticePart) -> None:
    """Refuse a practice request of its own that a hidden phase asks for too."""
    forget, private = part.forget, spec.private
    hidden, seeds = [spec.forget, *([private.forget] if private else [])], spec.hidden_seeds.values()
    used = {
        "forget": forget is not None and any(_is_same_draw(forget, each) for each in hidden),
        "forget.seed": forget is not None and any(seed in seeds for seed in forget.seeds.values()),
        "split_seed": part.split_seed in seeds,
        "pool_seed": part.pool_seed in seeds,
    }
    for name, is_used in used.items():
        if is_used:
            raise ValueError(f"`practice.{name}` is that of a hidden phase, and practice shows it: choose another")


def _is_same_draw(one: ForgetPart, other: ForgetPart) -> bool:
    """Whether the same examples are drawn, or those of one are a part of the other's; not every kind reads its seed."""
    if one.kind != other.kind:
        return False
    if one.kind == "ids":
        first, second = set(one.ids or ()), set(other.ids or ())
        return first <= second or second <= first
    if one.kind == "class" and not (one.is_part_of_class and other.is_part_of_class):
        return one.class_index == other.class_index
    return (one.class_index, one.seed) == (other.class_index, other.seed)


def is_published(data: DataPart) -> bool:
    """Whether everybody has the data: a package of ours, read from where its published files belong.

    What was uploaded is not, nor is a folder that the problem file names, unless the package knows the files' digests.
    """
    return data.package in VERIFIED_PACKAGES or (data.package in PUBLISHED_PACKAGES and "folder" not in data.options)


def parse_problem(values: dict[str, Any], *, source: str) -> ProblemSpec:
    try:
        return ProblemSpec.model_validate(values)
    except ValidationError as error:
        raise InvalidInput(f"{source}: {describe_first(error)}") from None


def describe_first(error: ValidationError) -> str:
    """The first mistake in a file and where it stands; what our own checks say stands by itself."""
    first = error.errors()[0]
    return ": ".join(filter(None, [".".join(map(str, first["loc"])), first["msg"].removeprefix(OWN_CHECK)]))


def load_problem_file(path: Path) -> ProblemSpec:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"cannot read the problem file {path}: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{path} is not valid TOML: {error}") from None
    if (missing := find_first_missing(values)) is not None:
        raise InvalidInput(f"{path}: {missing}")
    return parse_problem(values, source=str(path))


def list_problems(folder: Path = PROBLEM_FOLDER) -> list[ProblemSpec]:
    return [load_problem_file(path) for path in sorted(folder.glob("*.toml"))]


def find_problem(name: str, folder: Path = PROBLEM_FOLDER) -> ProblemSpec:
    """Look a problem up by slug, or by the path of a problem file."""
    if name.endswith(".toml"):
        return load_problem_file(Path(name))
    known = {path.stem: path for path in folder.glob("*.toml")}
    if name not in known:
        raise NotFound(f"no problem named {name!r}; there are: {', '.join(sorted(known)) or 'none'}")
    return load_problem_file(known[name])
