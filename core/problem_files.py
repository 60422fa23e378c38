"""Problem files are found, read and refused here."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.domain.data_sets import parse_ids
from core.domain.errors import InvalidInput, NotFound
from core.domain.seeds import find_first_missing
from core.domain.texts import decode_text
from core.problems import ProblemSpec

PROBLEM_FOLDER = Path(__file__).resolve().parent.parent / "problems"
DEFAULT_PROBLEM = "digits"  # where none is named
OWN_CHECK = "Value error, "  # as pydantic begins what our own checks say


def parse_problem(values: dict[str, Any], *, source: str) -> ProblemSpec:
    try:
        return ProblemSpec.model_validate(values)
    except ValidationError as error:
        raise InvalidInput(f"{source}: {describe_first(error)}") from None


def describe_first(error: ValidationError) -> str:
    """The first mistake in a file and where it stands; what our own checks say stands by itself."""
    first = error.errors()[0]
    return ": ".join(filter(None, [name_place(first["loc"]), first["msg"].removeprefix(OWN_CHECK)]))


def name_place(loc: Sequence[int | str]) -> str:
    """Where in a file a mistake stands: requests after the first are stored apart from it."""
    names = [*loc]
    if "further" in names[:-1]:
        place = names.index("further")
        names[place : place + 2] = ["requests", int(names[place + 1]) + 1]
    return ".".join(map(str, names))


def load_problem_file(path: Path) -> ProblemSpec:
    try:
        values = tomllib.loads(decode_text(path.read_bytes(), str(path)))
    except OSError as error:
        raise InvalidInput(f"cannot read the problem file {path}: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{path} is not valid TOML: {error}") from None
    values = read_ids_files(values, path.parent)
    if (missing := find_first_missing(values)) is not None:
        raise InvalidInput(f"{path}: {missing}")
    return parse_problem(values, source=str(path))


def read_ids_files(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The same with ids in the place of every `ids_file`, a CSV file beside the problem file."""
    found = dict(values)
    if isinstance(forget := found.get("forget"), dict):
        found["forget"] = _fill_ids(forget, folder)
    if isinstance(requests := found.get("requests"), list):
        found["requests"] = [_fill_ids(each, folder) if isinstance(each, dict) else each for each in requests]
    for name in ("private", "practice"):
        if isinstance(part := found.get(name), dict):
            found[name] = read_ids_files(part, folder)
    return found


def _fill_ids(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    if "ids_file" not in request:
        return request
    rest = {key: value for key, value in request.items() if key != "ids_file"}
    return rest | {"ids": _read_ids(folder / str(request["ids_file"]))}


def _read_ids(path: Path) -> list[int]:
    try:
        return parse_ids(decode_text(path.read_bytes(), str(path)))
    except OSError as error:
        raise InvalidInput(f"cannot read the ids of {path}: {error}") from None
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error.message}") from None


def list_problems(folder: Path = PROBLEM_FOLDER) -> list[ProblemSpec]:
    """By name, after the one that is taken where none is named."""
    paths = sorted(folder.glob("*.toml"), key=lambda path: (path.stem != DEFAULT_PROBLEM, path.stem))
    return [load_problem_file(path) for path in paths]


def find_problem(name: str, folder: Path = PROBLEM_FOLDER) -> ProblemSpec:
    """Look a problem up by slug, or by the path of a problem file."""
    if name.endswith(".toml"):
        return load_problem_file(Path(name))
    known = {path.stem: path for path in folder.glob("*.toml")}
    if name not in known:
        raise NotFound(f"no problem named {name!r}; there are: {', '.join(sorted(known)) or 'none'}")
    return load_problem_file(known[name])
