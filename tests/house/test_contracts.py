"""Every import contract catches what it forbids: one planted in the graph of imports breaks it."""

import ast
import sys
from copy import deepcopy
from pathlib import Path

import grimp
import pytest
from importlinter.api import read_configuration
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.independence import IndependenceContract
from importlinter.contracts.layers import LayersContract
from importlinter.contracts.protected import ProtectedContract
from importlinter.domain.contract import Contract

CONFIGURATION = read_configuration("pyproject.toml")
SESSION = CONFIGURATION["session_options"]
CONTRACTS = {options["name"].split(" ", 1)[0]: options for options in CONFIGURATION["contracts_options"]}
KINDS: dict[str, type[Contract]] = {
    "layers": LayersContract,
    "forbidden": ForbiddenContract,
    "independence": IndependenceContract,
    "acyclic_siblings": AcyclicSiblingsContract,
    "protected": ProtectedContract,
}
# by the contract's number: an import that it must refuse
PLANTS = {
    "1": ("worker.local", "api.main"),
    "2": ("core.domain.quota", "core.settings"),
    "3": ("core.domain.quota", "numpy"),
    "4": ("evaluator.scoring", "core.db.session"),
    "5": ("evaluator.scoring", "torch"),
    "6": ("sandbox.contract", "core.domain.errors"),
    "7": ("api.main", "torch"),
    "8": ("worker.local", "subprocess"),
    "9": ("cli.server.compare", "cli.here.validate"),
    "10": ("client.http", "worker.local"),
    "11": ("migrations.versions.0001_accounts", "core.domain.access"),
    "12": ("bench.bench_load", "tests"),
    "13": ("api.rules.service", "api.pages.kit.showing"),
    "14": ("api.finals.schemas", "api.finals.service"),
    "15": ("api.pages.finals", "api.finals.endpoints"),
    "16": ("api.pages.kit.forms", "api.pages.finals"),
    "17": ("worker.local", "core.lifecycle"),
    "18": ("worker.scorecard.card", "worker.report.plots"),
    "19": ("sandbox.kinds.targets", "sandbox.contract"),
}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*SESSION["root_packages"], include_external_packages=True, cache_dir=None)


def is_kept(number: str, graph: grimp.ImportGraph) -> bool:
    options = CONTRACTS[number]
    contract = KINDS[options["type"]](options["name"], SESSION, options)
    return contract.check(deepcopy(graph), verbose=False).kept


def test_every_contract_has_a_violation_to_catch() -> None:
    assert PLANTS.keys() == CONTRACTS.keys()


@pytest.mark.parametrize("number", PLANTS)
def test_a_planted_violation_is_caught(number: str, graph: grimp.ImportGraph) -> None:
    importer, imported = PLANTS[number]
    assert {importer, *([imported] if imported.split(".")[0] in SESSION["root_packages"] else [])} <= graph.modules
    assert is_kept(number, graph)
    planted = deepcopy(graph)
    planted.add_import(importer=importer, imported=imported)
    assert not is_kept(number, planted)


def name_imports(text: str) -> set[str]:
    """The top-level names that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


def list_strange(text: str) -> set[str]:
    """What a notebook's client may not import; it is one file, which the linter of imports cannot look at."""
    return name_imports(text) - sys.stdlib_module_names - {"client", "core"}


def test_a_notebook_s_client_imports_the_client_and_core_alone() -> None:
    text = Path("lacuna_client.py").read_text()
    assert list_strange(text) == set()
    assert list_strange(text + "\nfrom cli.show.console import console\n") == {"cli"}


def test_every_resource_of_the_api_is_layered() -> None:
    resources = {path.parent.name for path in Path("api").glob("*/service.py")}
    assert {f"api.{name}" for name in resources} == set(CONTRACTS["14"]["containers"])
