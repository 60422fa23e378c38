import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("module", ["accuracies", "aggregates", "divergences"])
def test_doctests_hold(module: str) -> None:
    outcome = doctest.testmod(importlib.import_module(f"evaluator.metrics.{module}"))
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_the_examples_in_the_document_run() -> None:
    outcome = doctest.testfile(str(ROOT / "docs/metrics.md"), module_relative=False)
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_the_library_loads_no_metric_it_was_not_asked_for() -> None:
    code = "import sys, evaluator; sys.exit(any(name in sys.modules for name in ('sklearn', 'evaluator.metrics')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
