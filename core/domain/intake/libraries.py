"""Which packages a submission finds in the sandbox, and which of them are loaded anyway."""

import sys

# What published code imports; docs/submission.md lists the same, and a sandbox test imports every one.
PROVIDED = frozenset(
    {"torch", "torchvision", "numpy", "pandas", "sklearn", "scipy", "matplotlib", "PIL", "tqdm", "tabulate", "requests"}
)
# In memory anyway; of the others a notebook imports only what it uses, for they cost seconds at the start of a sandbox.
LIGHT = frozenset({"torch", "torchvision", "numpy"})


def is_provided(module: str) -> bool:
    return get_top(module) in PROVIDED or is_standard(module)


def is_light(module: str) -> bool:
    return get_top(module) in LIGHT or is_standard(module)


def is_standard(module: str) -> bool:
    return get_top(module) in sys.stdlib_module_names


def get_top(module: str) -> str:
    return module.split(".")[0]
