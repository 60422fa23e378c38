"""The one place that imports torchvision.

A torchvision whose compiled operators do not match the installed torch fails at import, although its networks and
data sets need none of them. Declaring the two operators it asks for is then enough, and pictures are read without its
compiled part; an ordinary install is untouched.
"""

import importlib
from types import ModuleType

import torch

_declared: list[torch.library.Library] = []  # a library that is collected takes its operators with it


def load_torchvision(module: str = "torchvision") -> ModuleType:
    """Import torchvision or one of its modules."""
    if module.split(".")[0] != "torchvision":
        raise ValueError(f"{module!r} is no part of torchvision")
    try:
        return importlib.import_module(module)
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    _declare_operators()
    importlib.import_module("sandbox.image_reading").install(importlib.import_module("torchvision.io"))
    return importlib.import_module(module)


def _declare_operators() -> None:
    library = torch.library.Library("torchvision", "DEF")
    _declared.append(library)
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
