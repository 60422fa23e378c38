import os
import shutil
import subprocess
import sys
from pathlib import Path

import evaluator
from evaluator.compiled import compiled

KERNEL = """
import evaluator.exact
from evaluator.compiled import compiled

@compiled
def add(left: float, right: float) -> float:
    return left + right

print(add(1.5, 2.0))
"""


def add(left: float, right: float) -> float:
    return left + right


def test_a_compiled_function_answers_as_the_plain_one():
    assert compiled(add)(1.5, 2.0) == add(1.5, 2.0)


def test_code_is_kept_in_the_named_folder(tmp_path):
    done = run_kernel(tmp_path, NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    assert done.stdout.strip() == "3.5", done.stderr
    assert [path.name.split("-")[0] for path in (tmp_path / "cache").rglob("*.nbi")] == ["kernel.add"]


def test_a_kernel_works_where_no_folder_can_be_written(tmp_path):
    done = run_kernel(tmp_path, HOME="/dev/null", XDG_CACHE_HOME="/dev/null/cache")
    assert done.stdout.strip() == "3.5", done.stderr


def run_kernel(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of the evaluator whose __pycache__ folders cannot be made, as in a read-only image."""
    package = folder / "evaluator"
    shutil.copytree(Path(evaluator.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    for parent in (folder, package):
        (parent / "__pycache__").write_text("a file where the folder would be")
    (folder / "kernel.py").write_text(KERNEL)
    return subprocess.run(
        [sys.executable, "-B", "kernel.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
