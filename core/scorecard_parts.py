"""What parts of a scorecard are made of, and the part that a mean over originals and requests has."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1)]


def maybe(description: str) -> Any:
    """A field that older records lack or that a reader may not see: left out when it is not there."""
    return Field(None, exclude_if=lambda value: value is None, description=description)


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NoiseShares(Part):
    """Where the variance of a mean score comes from, in shares that add up to 1; null where one alone cannot tell."""

    replicas: Fraction = Field(description="from the seeds of runs and of retrained models")
    originals: Fraction | None = Field(description="from which originals the runs start from; null with one")
    requests: Fraction | None = Field(description="from which examples are to be forgotten; null with one request")
    both: Fraction | None = Field(
        description="from what an original and a request do together; null with one of a kind"
    )

    @property
    def shared(self) -> float:
        """Of all that is not of replicas."""
        return sum(filter(None, (self.originals, self.requests, self.both)))


class PairScores(Part):
    """A score over several originals or forget requests: the mean of those of every pair. docs/metric.md §14."""

    originals: int = Field(ge=1, description="originals whose runs are scored apart")
    requests: int = Field(ge=1, description="forget requests")
    noise: NoiseShares | None = maybe("where the variance of the score comes from; not before the end where hidden")
    freedom: float | None = maybe("degrees of freedom of its interval; hidden with `noise`")
    scores: tuple[tuple[float, ...], ...] | None = maybe(
        "of each pair: a row for each original, a column for each request; hidden with `noise`"
    )
    errors: tuple[tuple[float, ...], ...] | None = maybe("standard error of each over fresh models; hidden with it")
