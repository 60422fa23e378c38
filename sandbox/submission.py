"""Load a participant's file and call its function as the 2023 starting kit did: by position, freshly seeded."""

import importlib.util
import inspect
import random
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from sandbox.contract import ENTRY_FILE, ENTRY_FUNCTION, OPTIONAL_PARAMETERS, PREPARE_FUNCTION, Outcome

MODULE_NAME = "submission"
POSITIONAL = 4  # net, retain_loader, forget_loader, val_loader
VARIADIC = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Refused(Exception):
    """The submission cannot be called; the outcome says why."""

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome


def seed_everything(seed: int) -> None:
    """Seed what published code draws from: torch, numpy's global generator and `random`."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002, TID251 -- the global generator is the one participants use
    random.seed(seed)


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def load_submission(folder: Path) -> ModuleType:
    """Import the entry file; its own text decides between a syntax error and a failing import."""
    path = folder / ENTRY_FILE
    if not path.is_file():
        raise Refused(Outcome.ENTRYPOINT_MISSING, f"there is no {ENTRY_FILE}")
    try:
        # as text, which the intake has read too: a declaration of another encoding in it says nothing
        code = compile(path.read_bytes().decode("utf-8-sig"), ENTRY_FILE, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Refused(Outcome.SYNTAX_ERROR, f"{type(error).__name__}: {error}") from None
    sys.path.insert(0, str(folder))
    sys.argv[:] = [ENTRY_FILE]  # `parse_args()` of a published script reads what a command line would hold
    spec = importlib.util.spec_from_file_location(MODULE_NAME, path)
    if spec is None:
        raise Refused(Outcome.IMPORT_FAILED, f"{ENTRY_FILE} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE_NAME] = module
    exec(code, module.__dict__)  # noqa: S102 -- running this code is what the sandbox is for
    return module


def get_entry_function(module: ModuleType) -> Callable[..., Any]:
    function = getattr(module, ENTRY_FUNCTION, None)
    if not callable(function):
        raise Refused(Outcome.ENTRYPOINT_MISSING, f"{ENTRY_FILE} defines no function {ENTRY_FUNCTION}")
    return function  # type: ignore[no-any-return]


def get_prepare_function(module: ModuleType) -> Callable[..., Any] | None:
    """A `prepare` of the submission counts only if it can be called the way `unlearning` is."""
    function = getattr(module, PREPARE_FUNCTION, None)
    if not callable(function):
        return None
    try:
        choose_options(function, dict.fromkeys(OPTIONAL_PARAMETERS))
        inspect.signature(function).bind_partial(*range(POSITIONAL))
    except (Refused, TypeError, ValueError):
        return None
    return function  # type: ignore[no-any-return]


def choose_options(function: Callable[..., Any], offered: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the keyword arguments a function asks for by name beyond the four it gets by position."""
    try:
        parameters = list(inspect.signature(function, follow_wrapped=False).parameters.values())
        if {p.kind for p in parameters} == VARIADIC:  # `*args, **kwargs` of a decorator: the call will tell
            wrapped = inspect.signature(function).parameters.values()
            return {p.name: offered[p.name] for p in wrapped if p.name in offered and p.kind in NAMED}
    except (TypeError, ValueError):
        return {}  # not written in Python, or says nothing: the call will tell
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(positional) < POSITIONAL and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
        raise Refused(Outcome.SIGNATURE_MISMATCH, f"{ENTRY_FUNCTION} takes {len(positional)} arguments, not four")
    first = {p.name for p in positional[:POSITIONAL]}
    rest = [p for p in parameters if p.name not in first]
    options = {p.name: offered[p.name] for p in rest if p.name in offered and p.kind in NAMED}
    unknown = [p.name for p in rest if p.name not in options and _is_required(p)]
    if unknown:
        raise Refused(Outcome.SIGNATURE_MISMATCH, f"{ENTRY_FUNCTION} asks for {unknown[0]!r}, which nobody gives")
    return options


def _is_required(parameter: inspect.Parameter) -> bool:
    variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return parameter.default is parameter.empty and not variadic
