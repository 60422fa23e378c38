"""A competition as one file: a problem file with a `[competition]` table of what may change while it runs."""

import secrets
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, create_model

from core.domain.competition_settings import SETTINGS, Setting
from core.domain.errors import InvalidInput
from core.domain.moments import to_utc
from core.domain.seeds import complete_seeds, make_seed
from core.problem_files import describe_first, parse_problem
from core.problems import ProblemSpec

SECTION = "competition"
RULES_CHARS = 100_000
OVERVIEW_CHARS = 50_000
Model = TypeVar("Model", bound=BaseModel)


def carry_settings(make_field: Callable[[Setting], tuple[Any, Any]]) -> Callable[[type[Model]], type[Model]]:
    """Give a model a field for every setting. make_field: its type and its default, as `create_model` takes them."""

    def extend(model: type[Model]) -> type[Model]:
        fields: dict[str, Any] = {setting.name: make_field(setting) for setting in SETTINGS}
        return create_model(
            model.__name__, __base__=model, __module__=model.__module__, __doc__=model.__doc__, **fields
        )

    return extend


def make_type(setting: Setting, *, least: int | None = None) -> Any:
    """What a value of a setting is, but for none. least: another bound than its own."""
    if setting.kind is datetime:
        return Annotated[AwareDatetime, AfterValidator(to_utc)]
    return Annotated[int, Field(ge=setting.least if least is None else least, le=setting.most)]


def _make_file_field(setting: Setting) -> tuple[Any, Any]:
    return make_type(setting, least=0 if setting.none else None) | None, None


@carry_settings(_make_file_field)
class CompetitionPart(BaseModel):
    """What is not named stays as it is; beside the settings it says what is no setting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    open: Literal["by itself", "by hand"] | None = None  # once it is prepared; by hand: when staff say so
    draft: bool = False  # a new one waits, seen by staff alone, until it is let to prepare
    rules: str | None = Field(default=None, max_length=RULES_CHARS)  # Markdown
    overview: str | None = Field(default=None, max_length=OVERVIEW_CHARS)  # Markdown

    @property
    def columns(self) -> dict[str, Any]:
        """Values of the competition's own columns that the file names."""
        found = {setting.name: (setting, getattr(self, setting.name)) for setting in SETTINGS}
        named = {name: setting.read_number(value) for name, (setting, value) in found.items() if value is not None}
        named |= {} if self.overview is None else {"overview": self.overview.strip()}
        return named if self.open is None else named | {"opens_by_hand": self.open == "by hand"}


class CompetitionFile(BaseModel):
    model_config = ConfigDict(frozen=True)

    problem: ProblemSpec
    competition: CompetitionPart


def draw_seed() -> int:
    return make_seed(secrets.randbelow)


def fill_seeds(values: Mapping[str, Any], stored: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, int | str]]:
    """What the file says, with the seeds that it leaves to the platform: as stored, or drawn, which are named."""
    return complete_seeds(values, stored, draw_seed)


def parse_competition_file(values: dict[str, Any], *, source: str) -> CompetitionFile:
    filled, _ = fill_seeds(values, {})
    rest = {name: value for name, value in filled.items() if name != SECTION}
    problem = parse_problem(rest, source=source)
    try:
        part = CompetitionPart.model_validate(values.get(SECTION, {}))
    except ValidationError as error:
        raise InvalidInput(f"{source}: {SECTION}.{describe_first(error)}") from None
    return CompetitionFile(problem=problem, competition=part)


def find_mistakes(values: dict[str, Any]) -> dict[str, str]:
    """Everything that is wrong with a file, by the path of the value; empty if it can be parsed."""
    filled, _ = fill_seeds(values, {})
    rest = {name: value for name, value in filled.items() if name != SECTION}
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
