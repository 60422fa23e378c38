"""The parts of a problem file that ask for something to be forgotten: by the problem itself, and by its phases."""

from typing import Annotated, Any

from pydantic import model_validator

from core.problem_parts import ForgetPart, Part, Seed, Slug, later

Further = Annotated[tuple[ForgetPart, ...], later(())]  # requests after the first


def read_requests(values: Any) -> Any:
    """The first of `[[requests]]` as `forget`, the rest as `further`; everything else as it is."""
    if not isinstance(values, dict) or "requests" not in values:
        return values
    requests = values["requests"]
    if "forget" in values or "further" in values:
        raise ValueError("`[forget]` asks for one request, `[[requests]]` for several: a file has one of the two")
    if not isinstance(requests, list | tuple) or not requests:
        raise ValueError("`requests` must be a list of one forget request or more")
    rest = {name: value for name, value in values.items() if name != "requests"}
    return {**rest, "forget": requests[0], **({"further": requests[1:]} if len(requests) > 1 else {})}


class PrivatePart(Part):
    """Other forget requests of the same problem, unread until the end; the rest is as in the public one."""

    forget: ForgetPart
    further: Further = ()
    split_seed: Seed | None = None  # None: cut as the public one
    pool_seed: Seed

    @model_validator(mode="before")
    @classmethod
    def _read_requests(cls, values: Any) -> Any:
        return read_requests(values)

    @property
    def requests(self) -> tuple[ForgetPart, ...]:
        return (self.forget, *self.further)


class PracticePart(Part):
    """What participants practise on, seeing everything: another problem, or another request on published data."""

    problem: Slug | None = None  # of exposure practice
    forget: ForgetPart | None = None
    further: Further = ()
    split_seed: Seed | None = None
    pool_seed: Seed | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_requests(cls, values: Any) -> Any:
        return read_requests(values)

    @property
    def requests(self) -> tuple[ForgetPart, ...]:
        return () if self.forget is None else (self.forget, *self.further)

    @model_validator(mode="after")
    def _check_form(self) -> "PracticePart":
        own = (self.forget, self.split_seed, self.pool_seed)
        if self.problem is not None and any(value is not None for value in own):
            raise ValueError("`practice` names a `problem` or asks for its own `forget`, not both")
        if self.problem is None and any(value is None for value in own):
            raise ValueError("`practice` names a `problem`, or all of `forget`, `split_seed` and `pool_seed`")
        return self
