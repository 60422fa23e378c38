"""The last thing a replica does before participant code runs: from then on no machine code that is not the image's.

The host compiles the list of refused system calls (worker/runner/native.py); the kernel never lets go of it.
"""

import base64
import ctypes
import os

import torch

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, FILTER = 22, 38, 2
INSTRUCTION_BYTES = 8


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def lock(encoded: str) -> None:
    """Install the list for this process and all it starts. Raises OSError if the kernel does not take it."""
    torch.backends.mkldnn.set_flags(_enabled=False)  # oneDNN writes its kernels while it runs
    program = base64.b64decode(encoded)
    instructions = ctypes.create_string_buffer(program, len(program))
    reference = _Program(len(program) // INSTRUCTION_BYTES, ctypes.cast(instructions, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    for call in ((PR_SET_NO_NEW_PRIVS, 1, 0), (PR_SET_SECCOMP, FILTER, ctypes.byref(reference))):
        if libc.prctl(*call, 0, 0) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"native code cannot be refused: {os.strerror(number)}")
