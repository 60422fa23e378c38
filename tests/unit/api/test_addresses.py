"""Whatever stands in an address, a query or a body, the answer is never that the platform failed."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Login
from tests.unit.api.crawl import Place, iter_routes

IN_PATHS = ("\0", "%ED%A0%80", "%FF%FE", "\u202eevil", "9" * 30, "%2e%2e%2f", "a" * 3_000)
IN_QUERIES = (
    *IN_PATHS,
    "0001-01-01T00:00:00+23:59",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59",
    "9999-12-31T23:59:59.999999Z",
    "2026-01-01T00:00:00+99:99",
    "2026-02-30T00:00:00",
    "-1",
    "-" + "9" * 30,
    str(2**63),
    "9" * 5_000,  # more digits than Python reads
    "1e400",
    "NaN",
    "²",
    "'\"",
    "",
)
IN_BODIES: tuple[Any, ...] = ("\ud800", "a\0b", "9999-12-31T23:59:59-23:59", 10**400, -(2**63) - 1, 1e999, None, [], {})
METHODS = ("post", "put", "patch")


def write(value: str) -> str:
    """As it stands in an address: what is escaped already stays."""
    return value if value.startswith("%") else quote(value, safe="")


def iter_addresses(client: TestClient, place: Place) -> Iterator[str]:
    """Every address that can be read, with one nasty value in one of its places."""
    for method, path, route in iter_routes(client):
        if method != "GET" or path.endswith("/events"):
            continue
        base = place.fill(path)
        joint = "&" if "?" in base else "?"
        for param in route.dependant.query_params:
            yield from (f"{base}{joint}{param.alias}={write(value)}" for value in IN_QUERIES)
        for param in route.dependant.path_params:
            before, _, rest = path.partition(f"{{{param.alias}")
            after = place.fill(rest.partition("}")[2])
            yield from (place.fill(before) + write(value) + after for value in IN_PATHS)


def iter_bodies(document: dict[str, Any], place: Place) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, address and body of everything that takes JSON, with one nasty value in one of its fields."""
    for path, operations in document["paths"].items():
        for method in METHODS:
            content = operations.get(method, {}).get("requestBody", {}).get("content", {})
            if "application/json" not in content or "sandbox" in path:
                continue
            model = resolve(document, content["application/json"].get("schema", {}))
            fields = model.get("properties", {})
            known = {name: make_sample(document, fields[name]) for name in model.get("required", fields)}
            for name in fields:
                yield from ((method, fill(path, place), {**known, name: value}) for value in IN_BODIES)


def fill(path: str, place: Place) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: str(getattr(place, name[1], "none")), path)


def resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref") or next((part["$ref"] for part in schema.get("anyOf", []) if "$ref" in part), "")
    return document["components"]["schemas"][reference.rpartition("/")[2]] if reference else schema


def make_sample(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    found = resolve(document, schema)
    if "enum" in found:
        return found["enum"][0]
    return {"integer": 1, "number": 1.0, "boolean": False, "array": [], "object": {}}.get(
        found.get("type"), "abc-12345"
    )


@pytest.fixture
def place(engine: Engine, login: Callable[..., Login]) -> tuple[Place, dict[str, str]]:
    admin = login("ann", "admin")
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits")
        return Place("digits", factories.make_scored(session, competition, admin.user).id), admin.headers


@pytest.mark.timeout(240)
def test_no_parameter_of_an_address_breaks_the_platform(
    client: TestClient, place: tuple[Place, dict[str, str]]
) -> None:
    where, headers = place
    statuses = {
        address: client.get(address, headers=headers, follow_redirects=False).status_code
        for address in iter_addresses(client, where)
    }
    assert [address[:200] for address, status in statuses.items() if status == 500] == []
    assert len(statuses) > 500


@pytest.mark.timeout(240)
def test_no_field_of_a_body_breaks_the_platform(client: TestClient, place: tuple[Place, dict[str, str]]) -> None:
    where, headers = place
    document = client.get("/api/v1/openapi.json").json()
    sent = {**headers, "Content-Type": "application/json"}
    broken, count = [], 0
    for method, address, body in iter_bodies(document, where):
        count += 1
        answer = client.request(method.upper(), address, headers=sent, content=json.dumps(body).encode())
        if answer.status_code == 500:
            broken.append((method, address, repr(body)[:200]))
    assert broken == []
    assert count > 100
