"""A problem is data, validated here; its network and tensors are code in `sandbox.problems`."""

import hashlib
import json
from collections.abc import Sequence
from itertools import combinations, product
from typing import Any, Self

from pydantic import Field, ValidationInfo, model_validator

from core.asked_parts import Further, PracticePart, PrivatePart, read_requests
from core.domain.cuts import Cut, cut_replicas
from core.domain.errors import InvalidInput
from core.domain.exposure import Exposure
from core.domain.intake.given import Given, has_hosted_input
from core.domain.seeds import check_hidden_seeds
from core.problem_parts import (
    MIN_REPLICAS,
    DataPart,
    EvaluationPart,
    ForgetPart,
    KindName,
    NetworkPart,
    Part,
    PoolPart,
    RecipePart,
    Slug,
    SplitPart,
)

VERIFIED_PACKAGES = frozenset({"torchvision_sets"})  # refuse files other than the published ones
PUBLISHED_PACKAGES = frozenset({"diabetes", "digits", "digits_2023", "fashion_mnist", "wordnet"})
STORED = "stored"  # context of reading what was registered by a release that took smaller seeds


class ProblemSpec(Part):
    slug: Slug
    title: str = Field(min_length=1, max_length=120)
    summary: str = ""
    kind: KindName = KindName.IMAGE_CLASSIFICATION
    exposure: Exposure = Exposure.PRACTICE
    data: DataPart
    network: NetworkPart
    recipe: RecipePart
    split: SplitPart
    forget: ForgetPart
    further: Further = ()
    pools: PoolPart
    evaluation: EvaluationPart
    # never dumped: it is no part of the digest, of what is stored as the public problem, or of what anybody is shown
    private: PrivatePart | None = Field(default=None, exclude=True, repr=False)
    practice: PracticePart | None = Field(default=None, exclude=True, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _read_requests(cls, values: Any) -> Any:
        return read_requests(values)

    @property
    def requests(self) -> tuple[ForgetPart, ...]:
        return (self.forget, *self.further)

    @model_validator(mode="after")
    def _check_pairs(self) -> "ProblemSpec":
        check_apart("requests", self.requests)
        check_pairs(self, self.evaluation.replicas)
        return self

    @model_validator(mode="after")
    def _check_private(self) -> "ProblemSpec":
        part = self.private
        if part is not None:
            check_apart("private.requests", part.requests)
        is_cut_alike = part is not None and part.split_seed in (None, self.split.seed)
        if part is not None and is_cut_alike and any(each in self.requests for each in part.requests):
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
        return self._ask(Exposure.PRIVATE, part.requests, part.split_seed, part.pool_seed) if part else None

    def make_practice(self) -> "ProblemSpec | None":
        """The problem of a practice phase that asks for its own request; None if it names another problem."""
        part = self.practice
        return (
            self._ask(Exposure.PRACTICE, part.requests, part.split_seed, part.pool_seed)
            if part and part.requests
            else None
        )

    def _ask(
        self, exposure: Exposure, requests: Sequence[ForgetPart], split_seed: int | None, pool_seed: int | None
    ) -> Self:
        """Other requests of the same problem. split_seed: None cuts the data as here."""
        changes = {
            "exposure": exposure,
            "split": self.split.model_dump() | ({} if split_seed is None else {"seed": split_seed}),
            "forget": requests[0].model_dump(),
            "further": [each.model_dump() for each in requests[1:]],
            "pools": self.pools.model_dump() | {"seed": pool_seed},
            "evaluation": self.evaluation.model_dump() | {"adaptive": None},
        }
        return self.model_validate(self.model_dump() | changes)

    @property
    def given(self) -> Given:
        """What a submission's text can be held against."""
        rules = self.evaluation
        return Given(rules.data_bytes, rules.batch_format, has_hosted_input(self.exposure, rules.batch_format))

    @property
    def seeds(self) -> dict[str, int]:
        """What the problem itself draws from, its phases aside."""
        return {"split.seed": self.split.seed, "pools.seed": self.pools.seed, **_list_seeds(self.requests)}

    @property
    def pairs(self) -> int:
        """Of an original and a request that are scored apart; the mean of their scores ranks."""
        return self.pools.apart * len(self.requests)

    @property
    def hidden_seeds(self) -> dict[str, int]:
        """What the public phase, unless it shows everything, and the private one draw from, by path in the file."""
        found = {} if self.exposure.is_open else self.seeds
        if self.private is None:
            return found
        split_seed = self.split.seed if self.private.split_seed is None else self.private.split_seed
        seeds = {"split_seed": split_seed, "pool_seed": self.private.pool_seed, **_list_seeds(self.private.requests)}
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
    private = spec.private
    hidden, seeds = [*spec.requests, *(private.requests if private else ())], spec.hidden_seeds.values()
    used = {
        "forget": any(is_same_draw(one, other) for one in part.requests for other in hidden),
        "forget.seed": any(seed in seeds for seed in _list_seeds(part.requests).values()),
        "split_seed": part.split_seed in seeds,
        "pool_seed": part.pool_seed in seeds,
    }
    for name, is_used in used.items():
        if is_used:
            raise ValueError(f"`practice.{name}` is that of a hidden phase, and practice shows it: choose another")


def is_same_draw(one: ForgetPart, other: ForgetPart) -> bool:
    """Whether the same examples are drawn, or those of one are a part of the other's; not every kind reads its seed."""
    if one.ids is not None and other.ids is not None:
        first, second = set(one.ids), set(other.ids)
        return first <= second or second <= first
    if one.named_classes and other.named_classes:
        is_mixed = len({type(each) for each in (*one.named_classes, *other.named_classes)}) > 1  # nobody knows yet
        is_shared = is_mixed or bool(set(one.named_classes) & set(other.named_classes))
        return is_shared and not (one.is_part_of_class and other.is_part_of_class and one.seed != other.seed)
    if one.kind != other.kind or one.column != other.column:
        return False
    if one.values is not None and other.values is not None:
        return bool(set(one.values) & set(other.values))
    return one.seed == other.seed


def check_apart(name: str, requests: Sequence[ForgetPart]) -> None:
    """Refuse two requests for the same examples, as far as the file alone tells."""
    for (first, one), (second, other) in combinations(enumerate(requests, start=1), 2):
        if is_same_draw(one, other) or set(one.ids or ()) & set(other.ids or ()):
            raise ValueError(
                f"`{name}`: requests {first} and {second} ask for the same examples; give one another seed, or others"
            )


def check_pairs(spec: "ProblemSpec", replicas: int) -> None:
    """Refuse an evaluation with too few replicas for every original with every request, or too few to calibrate."""
    rules, requests = spec.evaluation, len(spec.requests)
    if spec.pairs == 1:
        return
    least = min(count_pairs(spec, replicas).values())
    said = f"{spec.pools.apart} × {requests} pairs of an original and a request"
    if least < MIN_REPLICAS:
        raise ValueError(
            f"{said} of {replicas} replicas leave one with {least}, and a score needs {MIN_REPLICAS} of each:"
            f" set `evaluation.replicas` to {spec.pairs * MIN_REPLICAS + spec.pairs} or more"
        )
    if rules.calibration_replicas < 2 * requests:
        raise ValueError(f"`evaluation.calibration_replicas` must be {2 * requests} or more: two for each request")
    if rules.adaptive is not None and rules.adaptive.min_replicas < spec.pairs * MIN_REPLICAS:
        raise ValueError(
            f"`evaluation.adaptive.min_replicas` must be {spec.pairs * MIN_REPLICAS} or more: {said} are looked at"
        )


def require_one_request(spec: "ProblemSpec", what: str) -> None:
    """For what is of one forget request alone; raises InvalidInput."""
    if len(spec.requests) > 1:
        raise InvalidInput(f"{what} is of one forget request, and {spec.slug} has {len(spec.requests)}")


def cut_evaluation(spec: "ProblemSpec", replicas: int) -> list[Cut]:
    """The pieces of an evaluation of so many replicas, the canary first."""
    rules = spec.evaluation
    return cut_replicas(replicas, requests=len(spec.requests), canary=rules.canary_replicas, size=rules.shard_replicas)


def count_pairs(spec: "ProblemSpec", replicas: int) -> dict[tuple[int, int], int]:
    """How many replicas each original with each request gets: a replica's original follows from its place."""
    originals = spec.pools.apart
    counts = dict.fromkeys(product(range(originals), range(len(spec.requests))), 0)
    for cut in cut_evaluation(spec, replicas):
        for index in range(cut.first, cut.first + cut.count):
            counts[index % originals, cut.request] += 1
    return counts


def _list_seeds(requests: Sequence[ForgetPart]) -> dict[str, int]:
    """By path in the file; empty where no request reads one."""
    if len(requests) == 1:
        return requests[0].seeds
    return {
        path.replace("forget", f"requests.{place}"): seed
        for place, part in enumerate(requests)
        for path, seed in part.seeds.items()
    }


def is_published(data: DataPart) -> bool:
    """Whether everybody has the data: a package of ours, read from where its published files belong.

    What was uploaded is not, nor is a folder that the problem file names, unless the package knows the files' digests.
    """
    return data.package in VERIFIED_PACKAGES or (data.package in PUBLISHED_PACKAGES and "folder" not in data.options)
