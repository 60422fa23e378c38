"""Import once in the parent what every replica would otherwise pay for: torch's slow corners and named libraries."""

import gc
import importlib
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import torch

from sandbox.torchvision_compat import load_torchvision

# Only these are ever imported on behalf of a submission, and only when its text names them.
LIBRARY_PARTS = {
    "torchvision": (
        "transforms transforms.functional transforms.v2 models models.feature_extraction io utils datasets"
    ),
    "numpy": "",
    "pandas": "",
    "scipy": "stats special optimize linalg spatial sparse spatial.distance",
    "sklearn": (
        "linear_model metrics model_selection cluster decomposition preprocessing svm ensemble neighbors "
        "mixture utils utils.class_weight"
    ),
    "matplotlib": "pyplot",
    "PIL": "Image",
    "tqdm": "auto",
    "tabulate": "",
    "requests": "",
    "torch": (
        "func nn.utils.prune nn.utils.parametrize optim.lr_scheduler optim.swa_utils utils.data distributions fx"
    ),
}
LIBRARIES = frozenset(LIBRARY_PARTS) - {"torch"} | {
    f"{top}.{part}" for top, parts in LIBRARY_PARTS.items() for part in parts.split()
}
IMPORT_LINE = re.compile(r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import\b([^#\n]*)|import[ \t]+([^#\n]+))", re.MULTILINE)


def warm_up(files: Mapping[str, bytes]) -> None:
    """Import the shim for torchvision, what the submission names, and everything the first optimizer imports."""
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    torch.compile = leave_uncompiled
    text = "\n".join(code.decode(errors="replace") for name, code in files.items() if name.endswith(".py"))
    for name in sorted(find_libraries(text)):
        _import_quietly(name)
    _take_one_step()
    gc.collect()
    gc.freeze()  # children would copy every page the collector touches


def leave_uncompiled(model: Any = None, **options: Any) -> Any:
    """In the place of `torch.compile`: a box has no compiler, and the plain network computes the same."""
    del options
    return model if model is not None else leave_uncompiled


def _take_one_step() -> None:
    """Train once on nothing: imports torch._dynamo (1 s and more) and pays for the first call of every kernel."""
    layer = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9)
    if torch.cuda.is_available():  # a backward pass would start threads for the devices, which no child inherits
        return
    torch.nn.functional.cross_entropy(layer(torch.zeros(2, 2)).relu(), torch.zeros(2, dtype=torch.int64)).backward()
    optimizer.step()


def find_libraries(text: str) -> set[str]:
    """Name the known libraries a source text imports; the text is matched, never parsed or run."""
    found: set[str] = set()
    for match in IMPORT_LINE.finditer(text):
        package, members, plain = match.groups()
        if plain is not None:
            names = [part.split()[0] for part in plain.split(",") if part.split()]
        else:
            names = [package, *(f"{package}.{part}" for part in re.findall(r"\w+", members))]
        for name in names:
            found.update(_known_prefixes(name))
    return found


def _known_prefixes(name: str) -> set[str]:
    parts = name.split(".")
    return {".".join(parts[:end]) for end in range(1, len(parts) + 1)} & LIBRARIES


def _import_quietly(name: str) -> None:
    with suppress(Exception):  # a library that is absent here fails again, visibly, in the replica
        if name.split(".")[0] == "torchvision":
            load_torchvision(name)
        else:
            importlib.import_module(name)
