"""A competition as one file: a problem file with a `[competition]` table of what may change while it runs."""

from datetime import date, datetime, time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from core.domain.errors import InvalidInput
from core.domain.moments import to_utc
from core.problems import ProblemSpec, parse_problem

SECTION = "competition"
RULES_CHARS = 100_000
COLUMNS = (
    *("daily_limit", "concurrent_limit", "total_limit", "practice_daily_limit", "practice_concurrent_limit"),
    *("selection_limit", "team_size", "publish_approvals", "closes_at"),
)


class CompetitionPart(BaseModel):
    """What is not named stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    open: Literal["by itself", "by hand"] | None = None  # once it is prepared; by hand: when staff say so
    draft: bool = False  # a new one waits, seen by staff alone, until it is let to prepare
    daily_limit: int | None = Field(default=None, ge=1, le=100_000)
    concurrent_limit: int | None = Field(default=None, ge=1, le=100_000)
    practice_daily_limit: int | None = Field(default=None, ge=0, le=100_000)
    practice_concurrent_limit: int | None = Field(default=None, ge=1, le=100_000)
    total_limit: int | None = Field(default=None, ge=0, le=100_000)  # 0: as many as the days hold
    selection_limit: int | None = Field(default=None, ge=1, le=100_000)
    team_size: int | None = Field(default=None, ge=1, le=1_000)
    publish_approvals: int | None = Field(default=None, ge=1, le=2)  # of the staff, to publish the final board
    closes_at: Annotated[AwareDatetime, AfterValidator(to_utc)] | None = None
    rules: str | None = Field(default=None, max_length=RULES_CHARS)  # Markdown

    @property
    def columns(self) -> dict[str, bool | int | datetime | None]:
        """Values of the competition's own columns that the file names."""
        named = {name: value for name in COLUMNS if (value := getattr(self, name)) is not None}
        if self.open is not None:
            named["opens_by_hand"] = self.open == "by hand"
        return named | ({"total_limit": None} if self.total_limit == 0 else {})


class CompetitionFile(BaseModel):
    model_config = ConfigDict(frozen=True)

    problem: ProblemSpec
    competition: CompetitionPart


def parse_competition_file(values: dict[str, Any], *, source: str) -> CompetitionFile:
    rest = {name: value for name, value in values.items() if name != SECTION}
    problem = parse_problem(rest, source=source)
    try:
        part = CompetitionPart.model_validate(values.get(SECTION, {}))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join([SECTION, *map(str, first["loc"])])
        raise InvalidInput(f"{source}: {where}: {first['msg']}") from None
    return CompetitionFile(problem=problem, competition=part)


def find_mistakes(values: dict[str, Any]) -> dict[str, str]:
    """Everything that is wrong with a file, by the path of the value; empty if it can be parsed."""
    rest = {name: value for name, value in values.items() if name != SECTION}
    return _list_mistakes(ProblemSpec, rest, "") | _list_mistakes(
        CompetitionPart, values.get(SECTION, {}), f"{SECTION}."
    )


def _list_mistakes(model: type[BaseModel], values: dict[str, Any], prefix: str) -> dict[str, str]:
    try:
        model.model_validate(values)
    except ValidationError as error:
        return {prefix + ".".join(map(str, each["loc"])): each["msg"] for each in error.errors()}
    return {}


def make_plain(value: Any) -> Any:
    """TOML as JSON, which has no times."""
    if isinstance(value, dict):
        return {name: make_plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [make_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, datetime | date | time) else value
