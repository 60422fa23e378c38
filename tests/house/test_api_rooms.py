"""Every resource of the api is built alike: endpoints with their routers, models in schemas."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter
from pydantic import BaseModel

from api import main

RESOURCES = sorted(path.parent.name for path in Path("api").glob("*/service.py"))


def list_models(name: str) -> Iterator[str]:
    """Models of requests and answers that a module of a resource defines."""
    module = importlib.import_module(name)
    for node in ast.parse(Path(*name.split(".")).with_suffix(".py").read_text()).body:
        found = getattr(module, node.name, None) if isinstance(node, ast.ClassDef) else None
        if isinstance(found, type) and issubclass(found, BaseModel):
            yield f"{name}.{found.__name__}"


def list_modules(resource: str) -> list[str]:
    return [f"api.{resource}.{path.stem}" for path in sorted(Path("api", resource).glob("*.py"))]


@pytest.mark.parametrize("resource", RESOURCES)
def test_models_are_in_the_schemas(resource: str) -> None:
    modules = set(list_modules(resource)) - {f"api.{resource}.schemas", f"api.{resource}.__init__"}
    assert [model for name in sorted(modules) for model in list_models(name)] == []


def test_a_model_is_found_where_there_is_one() -> None:
    assert "api.decisions.Decision" in list_models("api.decisions")


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_resource_lists_its_routers_and_main_includes_them(resource: str) -> None:
    endpoints = importlib.import_module(f"api.{resource}.endpoints")
    declared = [value for value in vars(endpoints).values() if isinstance(value, APIRouter)]
    assert list(endpoints.ROUTERS) == declared
    assert endpoints in main.RESOURCES


def test_every_page_is_on_the_site() -> None:
    pages = {path.stem for path in Path("api/pages").glob("*.py") if "\nrouter = " in path.read_text()}
    listed = importlib.import_module("api.pages.endpoints").ROUTERS
    assert [page for page in sorted(pages) if importlib.import_module(f"api.pages.{page}").router not in listed] == []
    assert len(listed) == len(pages)
