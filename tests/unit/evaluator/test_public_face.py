import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import evaluator

ROOT = Path(__file__).parents[3]


def test_every_public_name_exists_and_is_documented_where_it_is_a_function():
    for name in evaluator.__all__:
        member = getattr(evaluator, name)
        assert not callable(member) or member.__doc__, name


def test_the_public_functions_are_the_promised_ones():
    functions = {name for name in evaluator.__all__ if name[0].islower()}
    assert functions == {
        "compute_confidence",
        "compute_control",
        "compute_epsilons",
        "compute_epsilons_by_attack",
        "compute_final_score",
        "compute_forgetting_quality",
        "compute_gated_runtime",
        "compute_gaussian_epsilon",
        "compute_gaussian_mu",
        "compute_points",
        "compute_relative_runtime",
        "compute_utility",
        "count_buckets",
        "is_over_budget",
        "score",
    }


@pytest.mark.parametrize(
    "module", ["closed_form", "confidence", "epsilon", "forgetting", "memory", "paired", "runtime", "utility"]
)
def test_doctests_hold(module):
    outcome = doctest.testmod(importlib.import_module(f"evaluator.{module}"))
    assert outcome.attempted > 0
    assert outcome.failed == 0


@pytest.mark.parametrize("document", ["adaptive.md", "evaluator.md", "metric.md"])
def test_the_examples_in_the_documents_run(document):
    outcome = doctest.testfile(str(ROOT / "docs" / document), module_relative=False)
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_every_public_name_stands_in_the_document():
    document = (ROOT / "docs/evaluator.md").read_text()
    assert [name for name in evaluator.__all__ if f"`{name}" not in document] == []


@pytest.mark.parametrize("module", ["torch", "evaluator.flags"])
def test_the_library_works_without(module):
    code = f"import sys, evaluator; sys.exit('{module}' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
