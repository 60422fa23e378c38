"""Loops over arrays as machine code.

A kernel's cached code is renewed when its own file changes, not when a file it calls does: a kernel and the compiled
functions it calls share a file.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def compiled(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Numba's njit, whose own types forget the function's: compiled at the first call and kept on disk."""
    try:
        jitted = njit(cache=True, nogil=True)(function)
    except RuntimeError:  # neither the package folder nor the user's cache can be written: compiled once per process
        jitted = njit(nogil=True)(function)
    return cast(Callable[Parameters, Result], jitted)
