"""The form of a competition and the competition file, each made of the other; nothing is stored that no file says."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from api.configure.classes import read_class, read_classes, write_class
from api.configure.fields import DATA, FIELDS, SECTIONS, Field, Kind, Section
from core.competition_file import find_mistakes, make_plain
from core.domain.data_sets import parse_ids
from core.domain.errors import InvalidInput
from core.domain.moments import parse_moment, write_local
from core.domain.seeds import read_seed, write_seed
from core.domain.toml_text import write_toml
from core.problem_files import OWN_CHECK
from core.problem_parts import EvaluationPart, PoolPart, RecipePart

PARTS: dict[str, type[BaseModel]] = {"recipe": RecipePart, "pools": PoolPart, "evaluation": EvaluationPart}
SET, PACKAGE = "set:", "package:"
Values = Mapping[str, str | list[str]]
READERS: dict[Kind, Callable[[str], Any]] = {
    Kind.IDS: parse_ids,
    Kind.CLASS: read_class,
    Kind.CLASSES: read_classes,
}


@dataclass(frozen=True, slots=True)
class FilledForm:
    document: dict[str, Any]
    mistakes: dict[str, str]  # by field; what belongs to none is under ""


def read_form(values: Values) -> FilledForm:
    document: dict[str, Any] = {}
    mistakes: dict[str, str] = {}
    for section in SECTIONS:
        if section.switch and not values.get(section.switch):
            continue
        for field in section.fields:
            if not _counts(field, section, values):
                continue
            try:
                _put(document, field, _read(field, values.get(field.path, "")))
            except InvalidInput as error:
                mistakes[field.path] = error.message
    found = find_mistakes(document)
    if mistakes:  # what values do not fit together is only known once all of them are read
        found = {path: why for path, why in found.items() if not why.startswith(OWN_CHECK)}
    return FilledForm(document, _place(found) | mistakes)


def fill_form(document: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """What the file leaves to the defaults is shown as what it is. Raises InvalidInput for what no form holds."""
    if "requests" in document:
        raise InvalidInput("the form asks for one forget request, and this competition has several: change its file")
    document = {**document, **{part: _get_defaults(part) | dict(document.get(part, {})) for part in PARTS}}
    values: dict[str, str | list[str]] = {field.path: _write(field, _get(document, field.path)) for field in FIELDS}
    data = document.get("data", {})
    values[DATA] = SET + str(data["set"]) if "set" in data else PACKAGE + str(data.get("package", ""))
    for section in SECTIONS:
        if section.switch:
            values[section.switch] = "on" if _get(document, section.switch) else ""
    return values


def _get_defaults(part: str) -> dict[str, Any]:
    known = PARTS[part].model_fields.items()
    return {name: field.default for name, field in known if not field.is_required() and field.default is not None}


def _counts(field: Field, section: Section, values: Values) -> bool:
    """Whether a field says anything: one that is for another kind of forget request does not."""
    return not field.of_kind or values.get(section.choice) in field.of_kind


def _read(field: Field, value: str | list[str]) -> Any:
    """None: nothing is said."""
    if isinstance(value, list):
        return value if field.kind is Kind.MANY else None
    text = value.replace("\r\n", "\n").strip()
    if field.kind is Kind.FLAG:
        return bool(text)
    if not text:
        return None
    if field.kind in READERS:
        return READERS[field.kind](text)
    return _read_text(field.kind, text)


def _read_text(kind: Kind, text: str) -> Any:
    try:
        if kind is Kind.WHOLE:
            return int(text)
        if kind is Kind.SEED:
            return write_seed(int(str(read_seed(text))))
        if kind is Kind.NUMBER:
            return float(text)
        if kind is Kind.NUMBERS:
            return [int(part) if part.strip().isdecimal() else float(part) for part in text.split(",")]
        if kind is Kind.OPTIONS:
            return make_plain(tomllib.loads(text))
        if kind is Kind.MOMENT:
            return parse_moment(text).isoformat()
    except (ValueError, RecursionError) as error:  # what tomllib raises is a ValueError
        wanted = {
            Kind.WHOLE: "a whole number",
            Kind.SEED: "a whole number",
            Kind.NUMBER: "a number",
            Kind.NUMBERS: "numbers with commas between them",
            Kind.OPTIONS: "lines of `name = value`",
        }[kind]
        detail = f" ({error})" if kind is Kind.OPTIONS else ""
        raise InvalidInput(f"this must be {wanted}{detail}") from None
    return text


def _put(document: dict[str, Any], field: Field, value: Any) -> None:
    if value is None:
        return
    path = field.path
    if path == DATA:
        kind, _, value = str(value).partition(":")
        path = f"{DATA}.{'set' if f'{kind}:' == SET else 'package'}"
    *parents, name = path.split(".")
    place = document
    for parent in parents:
        place = place.setdefault(parent, {})
    place[name] = value


def _get(document: Mapping[str, Any], path: str) -> Any:
    value: Any = document
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _write(field: Field, value: Any) -> str | list[str]:
    if field.kind is Kind.MANY:
        return [str(each) for each in value or []]
    if value is None or value is False:
        return ""
    if field.kind is Kind.IDS:
        return "\n".join(map(str, value))
    if field.kind is Kind.NUMBERS:
        return ", ".join(map(str, value))
    if field.kind in (Kind.CLASS, Kind.CLASSES):
        return ", ".join(map(write_class, value if isinstance(value, list) else [value]))
    if field.kind is Kind.OPTIONS:
        return write_toml(value).strip()
    if field.kind is Kind.MOMENT:
        return write_local(parse_moment(str(value)))
    return "on" if value is True else str(value)


def _place(found: dict[str, str]) -> dict[str, str]:
    """A mistake of a whole part stands at its first field; one of an item of a list at the list's."""
    placed: dict[str, str] = {}
    for path, why in found.items():
        text = why.removeprefix(OWN_CHECK)
        placed.setdefault(_find_field(path), text[:1].upper() + text[1:])
    return placed


def _find_field(path: str) -> str:
    names = path.split(".")
    for length in range(len(names), 0, -1):
        known = ".".join(names[:length])
        if known in ("data.set", "data.package"):
            return DATA
        for field in FIELDS:
            if field.path == known or (length == len(names) and field.path.startswith(f"{known}.")):
                return field.path
    return ""
