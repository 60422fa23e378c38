"""`python -m sandbox.catalog FILE`: list what can be imported here, and which names the main modules have.

The reader of uploads judges imports by this list (core/domain/intake/modules.json), for it has none of the libraries.
A test makes it again where the pinned libraries are installed and compares.
"""

import importlib
import json
import os
import pkgutil
import sys
import warnings
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from sandbox.outside_jupyter import MODULES, STOOD_IN, stand_in_for_jupyter
from sandbox.torchvision_compat import load_torchvision
from sandbox.warmup import LIBRARY_PARTS, warm_up

# Of Python's own modules: what needs another system, or a display that the image lacks
ABSENT = frozenset(["msilib", "msvcrt", "nt", "winreg", "winsound", "tkinter", "turtle", "turtledemo", "idlelib"])
UNTOUCHED = frozenset({"antigravity", "this", "lib2to3", "ensurepip", "test"})
FOREIGN = ("torchgen", "typing_extensions", "sandbox")  # loaded, and neither Python's nor a promised library
SKIPPED = frozenset({"tests", "test", "conftest", "__main__", "_tests"})
LOOKED_INTO = [
    "torch.nn",
    "torch.nn.functional",
    "torch.nn.init",
    "torch.nn.utils",
    "torch.nn.modules",
    "torch.nn.parameter",
    "torch.nn.parallel",
    "torch.optim",
    "torch.optim.optimizer",
    "torch.utils",
    "torch.linalg",
    "torch.autograd",
    "torch.cuda",
    "torch.cuda.amp",
    "torch.amp",
    "torch.random",
    "torchvision.ops",
    "torchvision.models.resnet",
    "numpy.linalg",
    "numpy.random",
    "scipy.spatial.distance",
    "sklearn.externals",
    "matplotlib.pyplot",
    "scipy.integrate",
    "scipy.interpolate",
    "scipy.ndimage",
    "scipy.signal",
    "scipy.cluster",
    "scipy.fft",
    "sklearn.datasets",
    "sklearn.neural_network",
    "sklearn.pipeline",
    "sklearn.manifold",
    "sklearn.covariance",
    "sklearn.naive_bayes",
    "sklearn.tree",
]
# their __getattr__ gives modules that are listed, or says why a name is gone
LAZY = frozenset({"torch", "numpy", "scipy", "sklearn", "sklearn.datasets"})
# there, but they need what is not, and so does whatever is below them
BROKEN = (
    *("torch.utils.tensorboard", "sklearn.externals.joblib", "PIL.ImageTk", "matplotlib.backends.backend_tkagg"),
    *(f"tqdm.{name}" for name in ("rich", "dask", "keras", "tk", "contrib.slack")),
)
BELOW = tuple(f"{name}." for name in BROKEN)


def list_everything() -> dict[str, dict[str, str]]:
    """Of each top module its submodules; of each main module its names; and what is loaded before a submission is."""
    warnings.simplefilter("ignore")
    stand_in_for_jupyter()
    warm_up({})
    loaded = {name.split(".")[0] for name in sys.modules}
    load_torchvision()
    standard = sorted(name for name in sys.stdlib_module_names if name not in ABSENT)
    tops = [*LIBRARY_PARTS, *(name for name in standard if not name.startswith("_") and name not in UNTOUCHED)]
    names = {module: _list_names(module) for module in _choose_modules(tops)}
    return {
        "loaded": {"": " ".join(sorted(loaded & {*standard, *LIBRARY_PARTS, *FOREIGN}))},
        "modules": {top: " ".join(_list_modules(top)) for top in sorted({*LIBRARY_PARTS, *standard})}
        | {STOOD_IN: " ".join(name.removeprefix(f"{STOOD_IN}.") for name in MODULES[1:])},
        "names": {module: " ".join(found) for module, found in sorted(names.items()) if found},
    }


def _choose_modules(tops: Iterable[str]) -> Iterator[str]:
    yield from tops
    yield from LOOKED_INTO
    for top, parts in LIBRARY_PARTS.items():
        yield from (f"{top}.{part}" for part in parts.split())


def _list_names(module: str) -> list[str]:
    loaded = load_torchvision(module) if module.startswith("torchvision") else importlib.import_module(module)
    if hasattr(loaded, "__getattr__") and module not in LAZY:
        return []
    return sorted(name for name in dir(loaded) if not name.startswith("_") or module.startswith("torch"))


def _list_modules(top: str) -> list[str]:
    """Every submodule, by what comes after the top's name; deep private ones are left out, and never asked for."""
    spec = None if top in UNTOUCHED else find_spec(top) if top != "__main__" else None
    found = {name.removeprefix(f"{top}.") for name in sys.modules if name.startswith(f"{top}.")}
    waiting = [("", list(spec.submodule_search_locations or []))] if spec else []
    while waiting:
        prefix, folders = waiting.pop()
        for module in pkgutil.iter_modules(folders):
            if module.name not in SKIPPED:
                found.add(prefix + module.name)
                inside = [os.path.join(folder, module.name) for folder in folders] if module.ispkg else []
                waiting.append((f"{prefix}{module.name}.", inside))
    return sorted(name for name in found if _is_told(name) and not f"{top}.{name}.".startswith(BELOW))


def _is_told(name: str) -> bool:
    first, *rest = name.split(".")
    return not any(part.startswith("_") for part in rest) and not (first.startswith("_") and rest)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(list_everything(), indent=0, sort_keys=True) + "\n", encoding="utf-8")
