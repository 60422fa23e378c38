"""The terms of an evaluation: everything a score depends on, fixed and hashed when its competition is registered.

What is stored is what was hashed: it is read, and never written a second time.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.domain.errors import PlatformFault
from core.problem_files import describe_first
from core.problem_parts import EvaluationPart, Scored
from core.problems import STORED, ProblemSpec

METRIC_VERSION = "lacuna-3"  # evaluator.spec says so too, and a test keeps them together: the api must not import it
FIRST_DATA_BYTES = 5 << 20
FIRST_ATTACKS = ["half_line", "interval", "complement", "likelihood_ratio"]
Stored = Mapping[str, Any]


class Terms(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    problem: ProblemSpec
    problem_digest: str  # of the problem as it is stored
    evaluation: EvaluationPart  # the problem's own
    metric_version: str
    protocol: Literal["held_out", "neurips2023", "exact"]
    originals_per_run: int = Field(ge=1)

    @property
    def is_open(self) -> bool:
        """Whether participants may see everything of what they ran on."""
        return self.problem.exposure.is_open


def write_terms(problem: ProblemSpec) -> dict[str, Any]:
    """What is stored of a problem's evaluation, in today's form."""
    return {
        "problem": problem.model_dump(mode="json"),
        "problem_digest": problem.digest,
        "evaluation": problem.evaluation.model_dump(mode="json"),
        "metric_version": METRIC_VERSION,
        "protocol": problem.evaluation.protocol,
        "originals_per_run": problem.pools.originals,
    }


def hash_terms(stored: Stored) -> str:
    """SHA-256 of the canonical JSON: the identity of the terms."""
    return hashlib.sha256(json.dumps(stored, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def parse_terms(stored: Stored) -> Terms:
    """Read terms of any version; raises PlatformFault for what this release did not write."""
    try:
        if stored["evaluation"] != stored["problem"]["evaluation"]:
            raise PlatformFault("the stored terms contradict themselves: `evaluation` is not the problem's own")
        problem = parse_stored_problem(stored["problem"])
        return Terms.model_validate({**stored, "problem": problem, "evaluation": problem.evaluation}, context=STORED)
    except ValidationError as error:
        raise PlatformFault(f"stored terms cannot be read: {describe_first(error)}") from None
    except (KeyError, TypeError) as error:
        raise PlatformFault(f"stored terms cannot be read: {type(error).__name__}: {error}") from None


def parse_stored_problem(stored: Stored) -> ProblemSpec:
    """Read a problem that was registered by this release or an earlier one."""
    for upgrade in UPGRADES[find_version(stored) - 1 :]:
        stored = upgrade(stored)
    try:
        return ProblemSpec.model_validate(stored, context=STORED)
    except ValidationError as error:
        raise PlatformFault(f"stored problem: {describe_first(error)}") from None


def find_version(stored: Stored) -> int:
    """Of a stored problem. No form has carried a number so far, as a new key is a new digest: its keys tell."""
    if "adaptive" not in stored["evaluation"]:
        return 1
    if "seed" in stored["evaluation"]:
        return 2
    if "allow_native" not in stored["evaluation"]:
        return 3
    return 4 if _has_originals(stored) and "scored" not in stored["pools"] else 5


def _add_early_ends(stored: Stored) -> Stored:
    """1 to 2: all replicas ran, held-out scores chose from the same attacks, and the canary was run again once."""
    before = {"attacks": FIRST_ATTACKS, "rerun_replicas": 1, "adaptive": None}
    return {**stored, "evaluation": {**before, **stored["evaluation"]}}


def _drop_unread_seed(stored: Stored) -> Stored:
    """2 to 3: nothing ever read a seed of evaluations."""
    return {**stored, "evaluation": {name: value for name, value in stored["evaluation"].items() if name != "seed"}}


def _allow_native(stored: Stored) -> Stored:
    """3 to 4: data were bounded with the upload, and nothing kept machine code of its own from a replica."""
    return {**stored, "evaluation": {**stored["evaluation"], "data_bytes": FIRST_DATA_BYTES, "allow_native": True}}


def _score_together(stored: Stored) -> Stored:
    """4 to 5: the replicas of several originals were one pool. There was one request, and that is not said."""
    return {**stored, "pools": {**stored["pools"], "scored": Scored.TOGETHER}} if _has_originals(stored) else stored


def _has_originals(stored: Stored) -> bool:
    """Several, that is."""
    pools = stored.get("pools")
    return isinstance(pools, Mapping) and pools.get("originals", 1) != 1


# each from its place + 1 to the next version
UPGRADES: tuple[Callable[[Stored], Stored], ...] = (
    _add_early_ends,
    _drop_unread_seed,
    _allow_native,
    _score_together,
)
