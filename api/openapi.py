"""The OpenAPI document: what FastAPI finds, with every error answer in the one shape it really has."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from api.errors import Problem, describe_errors

WITHOUT_TOKEN = frozenset({"register", "create_token", "ask_for_reset", "reset_password", "pass_code"})
REFERENCE = "#/components/schemas/{model}"


def make_openapi(app: FastAPI) -> Callable[[], dict[str, Any]]:
    find = app.openapi

    def openapi() -> dict[str, Any]:
        document = find()
        schemas = document["components"]["schemas"]
        if "Problem" not in schemas:
            _, found = models_json_schema([(Problem, "serialization")], ref_template=REFERENCE)
            schemas.update(found["$defs"])
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            _correct_errors(document)
        return document

    return openapi


def _correct_errors(document: dict[str, Any]) -> None:
    problem = describe_errors(422)[422]
    for path in document["paths"].values():
        for operation in path.values():
            responses = operation["responses"]
            if "422" in responses:
                responses["422"] = problem
            responses.setdefault("default", {**problem, "description": "Any other error"})
            if operation["operationId"] in WITHOUT_TOKEN:
                del operation["security"]
            elif "401" not in responses:  # a token is welcome: staff and authors are shown more
                operation["security"] = [{}, *operation["security"]]
