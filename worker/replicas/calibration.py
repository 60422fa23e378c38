"""The files that a calibration runs: baselines, as any other submission is run."""

from importlib.resources import files

from core.domain.calibration import RETRAIN_FILE
from core.problems import ProblemSpec


def make_calibration_source(filename: str, spec: ProblemSpec) -> bytes:
    """Return a baseline; `retrain.py` comes with this problem's recipe written into it."""
    source = files("baselines").joinpath(filename).read_text(encoding="utf-8")
    recipe = f"\n\nRECIPE.update({spec.recipe.model_dump(mode='json')!r})\n" if filename == RETRAIN_FILE else ""
    return (source + recipe).encode()
