"""The rules that no tool checks."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.domain.submission import Status, Verdict
from core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SOURCE_FOLDERS = ("api", "worker", "evaluator", "baselines", "sandbox", "core", "cli", "lacuna_client.py")
SQL_NAMES = {"select", "insert", "update", "delete", "exists"}
ARRAY_TYPE = re.compile(r"\b(Floats|Ints|Bools|NDArray|ndarray|ArrayLike|Pool)\b")
SHAPE = re.compile(r"\((\.\.\.|[A-Z]['\w]*)(, ?['\w]+)*,?\)|\(\w[\w +]*, [\w +]+\)|\bvector\b|[Aa]s for compute_\w+")
# spelled in halves, so that this file passes its own rule
OUTSIDE = re.compile("|".join([
    "pypi" r"\.org", "python" r"hosted\.org", "debian" r"\.org", "npmjs" r"\.org", "pytorch" r"\.org/whl",
    r"(?<![\w.])/wo" "rk/", r"(?<![\w.])/fa" "rm/", r"\.\./sha" "red", r"\.lib" "rary/",
]))  # fmt: skip


def list_files(pattern: str = "*") -> list[Path]:
    """Every file that is, or would be, tracked."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "--", pattern]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return [path for name in names if (path := ROOT / name).is_file()]


def list_source() -> list[Path]:
    return [path for path in list_files("*.py") if path.relative_to(ROOT).parts[0] in SOURCE_FOLDERS]


def name_calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr


def uses_sql(path: Path) -> bool:
    imported = {
        alias.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy")
        for alias in node.names
    }
    return bool(imported & SQL_NAMES) or "execute" in name_calls(path)


def test_only_the_session_module_commits() -> None:
    found = [path for path in list_source() if "commit" in name_calls(path)]
    assert found == [ROOT / "core/db/session.py"]


def test_sql_stays_in_the_query_modules() -> None:
    home = {ROOT / "core/db/session.py", *(ROOT / "core/db/queries").glob("*.py")}
    assert [str(path) for path in list_source() if path not in home and uses_sql(path)] == []


def test_a_scorecard_is_read_as_a_record() -> None:
    """As it is stored it is loaded by the queries alone; everybody else reads `Scorecard.record`."""
    stored = re.compile(r"\b(?:\w*card|Scorecard)\.body\b")
    found = {str(path.relative_to(ROOT)) for path in list_source() if stored.search(path.read_text())}
    assert found == {"core/db/queries/evaluations.py", "core/db/queries/review.py"}


def test_no_file_is_longer_than_400_lines() -> None:
    assert [str(path) for path in list_files("*.py") if len(path.read_text().splitlines()) > 400] == []


def test_the_terms_of_an_evaluation_are_read_typed() -> None:
    """As they are stored they are what was hashed; everybody reads `EvaluationSpec.terms`."""
    stored = re.compile(r"\b(?:\w*spec|EvaluationSpec)\.body\b")
    assert [str(path) for path in list_source() if stored.search(path.read_text())] == []


def test_public_evaluator_functions_state_the_shapes_of_their_arrays() -> None:
    silent = []
    for path in (ROOT / "evaluator").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            signature = f"{ast.unparse(node.args)} -> {ast.unparse(node.returns) if node.returns else ''}"
            if ARRAY_TYPE.search(signature) and not SHAPE.search(ast.get_docstring(node) or ""):
                silent.append(f"{path.relative_to(ROOT)}:{node.name}")
    assert silent == []


@pytest.mark.parametrize("value", [*Status, *Verdict])
def test_every_status_and_verdict_is_documented(value: Status | Verdict) -> None:
    assert f"`{value.value}`" in (ROOT / "docs/lifecycle.md").read_text()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    assert f"`LACUNA_{name.upper()}`" in (ROOT / "docs/settings.md").read_text()


def test_no_tracked_file_names_a_registry_or_a_path_outside_the_repository() -> None:
    found = [f"{path}: {hit[0]}" for path in list_files() if (hit := OUTSIDE.search(path.read_text(errors="ignore")))]
    assert found == []


def test_the_images_pin_the_same_torch_as_the_environment() -> None:
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["torch"]
    for file in ("sandbox/Dockerfile", "worker/Dockerfile"):
        assert [pin for pin in pins if pin not in (ROOT / file).read_text()] == []


def test_prose_in_the_docs_wraps_at_120_characters() -> None:
    """Tables, code, drawings, pictures and whole commands cannot."""
    free = re.compile(r"\||    |!\[|\(?`[^`]+`")
    found = []
    for path in list_files("*.md"):
        text = re.sub(r"^```.*?^```", lambda block: "\n" * block[0].count("\n"), path.read_text(), flags=re.M | re.S)
        lines = [line for line in text.splitlines() if len(line) > 120 and not free.match(line)]
        found += [f"{path.name}: {line}" for line in lines]
    assert found == []


def test_every_link_within_the_docs_leads_somewhere() -> None:
    found = [
        f"{path.name}: {target}"
        for path in list_files("*.md")
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text())
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert found == []


def test_the_front_page_of_the_docs_names_every_page() -> None:
    front = (ROOT / "docs/README.md").read_text()
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in list_files("docs/*.md")} - {"README.md"}
    assert sorted(page for page in pages if not page.startswith("decisions/") and f"]({page})" not in front) == []


def test_the_changelog_begins_with_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), flags=re.M)[0] == version
