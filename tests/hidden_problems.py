"""Problems as hidden phases may have them: with seeds that cannot be tried."""

from typing import Any

from core.domain.exposure import Exposure
from core.problems import ProblemSpec

HIDDEN_SEED = 2**127  # the least that tests give a hidden phase


def expose(spec: ProblemSpec, exposure: str) -> ProblemSpec:
    """The same problem under another exposure, with seeds that it may have."""
    parts = {} if exposure == Exposure.PRACTICE else make_hidden_parts(spec)
    return spec.model_copy(update={**parts, "exposure": Exposure(exposure)})


def make_hidden_parts(spec: ProblemSpec, *, first: int = HIDDEN_SEED) -> dict[str, Any]:
    """The parts of a problem that are drawn, each under a seed of its own."""
    return {
        "split": spec.split.model_copy(update={"seed": first}),
        "forget": spec.forget.model_copy(update={"seed": first + 1}),
        "pools": spec.pools.model_copy(update={"seed": first + 2}),
    }


def make_hidden_values(values: dict[str, Any], *, first: int = HIDDEN_SEED) -> dict[str, Any]:
    """The same of a problem file's values, so that it may be public."""
    seeds = {name: {**values[name], "seed": first + place} for place, name in enumerate(("split", "forget", "pools"))}
    return {**values, **seeds, "exposure": "public"}
