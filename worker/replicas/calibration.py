"""The files that a calibration runs: baselines, as any other submission is run."""

from collections.abc import Mapping
from importlib.resources import files

from core.domain.calibration import RETRAIN_FILE
from core.problems import ProblemSpec
from sandbox.contract import ENTRY_FILE


def make_calibration_source(filename: str, spec: ProblemSpec) -> bytes:
    """Return a baseline; `retrain.py` comes with this problem's recipe written into it."""
    source = files("baselines").joinpath(filename).read_text(encoding="utf-8")
    recipe = f"\n\nRECIPE.update({spec.recipe.model_dump(mode='json')!r})\n" if filename == RETRAIN_FILE else ""
    return (source + recipe).encode()


def with_recipe(submission: Mapping[str, bytes], spec: ProblemSpec) -> Mapping[str, bytes]:
    """`retrain.py` as it is shipped follows the problem's recipe; any other submission is run as it is."""
    shipped = files("baselines").joinpath(RETRAIN_FILE).read_bytes()
    if dict(submission) != {ENTRY_FILE: shipped}:
        return submission
    return {ENTRY_FILE: make_calibration_source(RETRAIN_FILE, spec)}
