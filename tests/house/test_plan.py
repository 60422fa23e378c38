"""What docs/architecture.md and CONTRIBUTING.md name by file and function is there."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("docs/architecture.md", "CONTRIBUTING.md")
PLACE = re.compile(r"`((?:[\w.-]+/)*[\w.-]+\.py):(\w+)`")
DOTTED = re.compile(r"`((?:api|bench|cli|client|core|evaluator|sandbox|worker)(?:\.\w+)+)`")
PATH = re.compile(r"`((?:[\w.-]+/)+(?:[\w-]+\.\w+)?)`")  # a folder ends with a slash


def list_names(path: Path) -> set[str]:
    """Functions, classes and values that a module defines at its top."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def list_lost(text: str) -> list[str]:
    lost = [path for path in PATH.findall(text) if not (ROOT / path).exists()]
    for path, name in PLACE.findall(text):
        if not (ROOT / path).is_file() or name not in list_names(ROOT / path):
            lost.append(f"{path}:{name}")
    return lost


def is_there(dotted: str) -> bool:
    """A package, a module, or a name at the top of one."""
    whole, _, name = dotted.rpartition(".")
    place, above = (ROOT / each.replace(".", "/") for each in (dotted, whole))
    homes = (above.with_suffix(".py"), above / "__init__.py")
    return (
        place.is_dir()
        or place.with_suffix(".py").is_file()
        or any(home.is_file() and name in list_names(home) for home in homes)
    )


@pytest.mark.parametrize("page", PAGES)
def test_every_place_that_a_page_names_is_there(page: str) -> None:
    text = (ROOT / page).read_text()
    assert PLACE.findall(text)
    assert list_lost(text) == []


def test_a_place_that_is_gone_is_found() -> None:
    assert list_lost("`core/db/session.py:commit_all`, `core/nowhere/`, `core/db/session.py:transaction`") == [
        "core/nowhere/",
        "core/db/session.py:commit_all",
    ]
    assert is_there("core.db.session.transaction")
    assert not is_there("core.db.session.commit_all")


def test_the_plan_shows_every_room_page_and_contract() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    rooms = {
        f"{path.parent.relative_to(ROOT)}/"
        for top in (
            "api",
            "worker",
            "core",
            "cli",
            "client",
            "evaluator",
            "sandbox",
            "baselines",
            "bench",
            "migrations",
        )
        for path in (ROOT / top).rglob("*.py")
        if len(path.relative_to(ROOT).parts) <= 4 and top not in ("evaluator", "sandbox", "migrations")
    }
    pages = {path.stem for path in (ROOT / "api/pages").glob("*.py")} - {"__init__", "endpoints", "board"}
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert sorted(room for room in rooms if f"`{room}`" not in text) == []
    assert sorted(page for page in pages if f"`{page}`" not in text) == []
    assert [each["name"] for each in contracts if each["name"].split(" ", 1)[1] not in text] == []


@pytest.mark.parametrize(
    "page",
    [path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "decisions"],
    ids=lambda page: page.stem,
)
def test_every_dotted_name_in_the_docs_is_there(page: Path) -> None:
    assert [name for name in DOTTED.findall(page.read_text()) if not is_there(name)] == []
