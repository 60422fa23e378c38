"""The API, rendered from its own OpenAPI document; nothing is loaded from elsewhere."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api.deps import PublicCaller
from api.kept import Kept
from api.pages.kit.showing import show

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
_GROUPS: Kept[list["Group"]] = Kept(most=2)


@dataclass(frozen=True, slots=True)
class FieldLine:
    name: str
    kind: str
    is_required: bool
    about: str
    place: str = ""  # of a parameter: path, query, header


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    method: str
    path: str
    summary: str
    about: str
    is_open: bool  # no token is needed
    parameters: list[FieldLine]
    body: list[FieldLine]
    body_type: str
    answers: list[tuple[str, str]]  # status, schema or words


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    operations: list[Operation]


@router.get("/reference", name="reference")
def show_reference(request: Request, caller: PublicCaller) -> HTMLResponse:
    document = request.app.openapi()
    return show(request, "reference.html", groups=_GROUPS.get(id(document), lambda: make_groups(document)))


def make_groups(document: Mapping[str, Any]) -> list[Group]:
    groups: dict[str, list[Operation]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            name = operation.get("tags", ["other"])[0]
            groups.setdefault(name, []).append(_make_operation(document, method, path, operation))
    return [Group(name, operations) for name, operations in groups.items()]


def _make_operation(document: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]) -> Operation:
    kind, body = _find_body(operation)
    return Operation(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        about=operation.get("description", ""),
        is_open={} in operation.get("security", [{}]),
        parameters=[
            FieldLine(
                each["name"],
                _name_type(each.get("schema", {})),
                bool(each.get("required")),
                each.get("description") or each.get("schema", {}).get("description", ""),
                each["in"],
            )
            for each in operation.get("parameters", ())
        ],
        body=list(_iter_fields(document, body)),
        body_type=kind,
        answers=[
            (status, _name_answer(answer))
            for status, answer in operation["responses"].items()
            if status.startswith(("2", "3"))
        ],
    )


def _find_body(operation: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    content = operation.get("requestBody", {}).get("content", {})
    kind = next(iter(content), "")
    return kind, content.get(kind, {}).get("schema", {})


def _iter_fields(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[FieldLine]:
    found = _resolve(document, schema)
    required = found.get("required", ())
    for name, field in found.get("properties", {}).items():
        yield FieldLine(name, _name_type(field), name in required, field.get("description", ""))


def _resolve(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    parts = [schema, *schema.get("anyOf", ()), *schema.get("allOf", ())]
    name = next((part["$ref"] for part in parts if "$ref" in part), "").rpartition("/")[2]
    found: Mapping[str, Any] = document["components"]["schemas"][name] if name else schema
    return found


def _name_type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_name_type(each) for each in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_name_type(schema.get('items', {}))}"
    return str(schema.get("const") or schema.get("format") or schema.get("type") or "anything")


def _name_answer(answer: Mapping[str, Any]) -> str:
    content = answer.get("content", {})
    kind = next(iter(content), "")
    if kind != "application/json":
        return kind or str(answer.get("description", ""))
    return _name_type(content[kind].get("schema", {}))
