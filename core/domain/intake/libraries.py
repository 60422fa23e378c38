"""What a submission can import in the sandbox: Python's own modules and the libraries of the image, by name."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.domain.runtime import LIBRARIES, PYTHON

# What published code imports; docs/submission.md lists the same, and a sandbox test imports every one.
PROVIDED = frozenset(
    {"torch", "torchvision", "numpy", "pandas", "sklearn", "scipy", "matplotlib", "PIL", "tqdm", "tabulate", "requests"}
)
# What these bring along, and what stands in for IPython; nobody promises it, and it is there.
BROUGHT = frozenset(
    "IPython certifi charset_normalizer cloudpickle contourpy cycler dateutil filelock fontTools fsspec functorch idna"  # noqa: SIM905
    " jinja2 joblib kiwisolver markupsafe mpl_toolkits mpmath narwhals networkx packaging pkg_resources psutil pylab"
    " pyparsing safetensors setuptools six sympy threadpoolctl torchgen typing_extensions tzdata urllib3".split()
)
# In memory anyway; of the others a notebook imports only what it uses, for they cost seconds at the start of a sandbox.
LIGHT = frozenset({"torch", "torchvision", "numpy"})
CATALOG = Path(__file__).with_name("modules.json")  # written by `python -m sandbox.catalog`


@dataclass(frozen=True, slots=True)
class Catalog:
    """What the image holds: judged by name, for whoever reads an upload has none of it."""

    loaded: frozenset[str]  # before a submission is imported; a file of its own of that name is never found
    tops: frozenset[str]
    modules: frozenset[str]
    names: Mapping[str, frozenset[str]]  # of the main modules

    def has_module(self, module: str) -> bool:
        """Whether it can be imported; what is not listed at all is not judged."""
        top, *rest = module.split(".")
        return not rest or top not in self.tops or module in self.modules or any(p.startswith("_") for p in rest[1:])

    def has_name(self, module: str, name: str) -> bool:
        known = self.names.get(module)
        if known is None or name in known or f"{module}.{name}" in self.modules or name.startswith("__"):
            return True
        return name.startswith("_") and is_standard(module)


@cache
def load_catalog() -> Catalog:
    listed = json.loads(CATALOG.read_text(encoding="ascii"))
    modules = {f"{top}.{part}" for top, parts in listed["modules"].items() for part in parts.split()}
    return Catalog(
        loaded=frozenset(listed["loaded"][""].split()),
        tops=frozenset(listed["modules"]),
        modules=frozenset({*modules, *listed["modules"]}),
        names={module: frozenset(names.split()) for module, names in listed["names"].items()},
    )


def describe_libraries() -> str:
    """One clause that says what there is, with versions."""
    return f"Python {PYTHON} with " + ", ".join(f"{name} {version}" for name, version in LIBRARIES.items())


def is_provided(module: str) -> bool:
    return get_top(module) in PROVIDED | BROUGHT or is_standard(module)


def is_light(module: str) -> bool:
    return get_top(module) in LIGHT or is_standard(module)


def is_standard(module: str) -> bool:
    """Whether Python brings it, and the image has it."""
    return get_top(module) in sys.stdlib_module_names and get_top(module) in load_catalog().tops


def get_top(module: str) -> str:
    return module.split(".")[0]
