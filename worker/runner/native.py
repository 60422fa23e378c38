"""The second list of system calls: what a replica is refused once it runs participant code, native code foremost.

Torch, its libraries and what the submission names are loaded before. From here on memory gains no right to be
executed: only files that the image brought can be mapped so, as every folder that can be written is mounted noexec.
"""

import functools

import pyseccomp

from worker.runner.seccomp import export_program

WRITE, EXECUTE = 2, 4  # of a mapping's protection
SHARED, ANONYMOUS = 0x01, 0x20  # of its flags; MAP_PRIVATE is 0x02
SET_DUMPABLE, INT = 4, 0xFFFFFFFF  # the kernel reads the lower half of prctl's first argument
REFUSED = ("execve", "execveat", "memfd_create")  # another program is native code too, and could be looked into


@functools.cache
def build_native_lock() -> bytes:
    """Compile the list; what it does not name is left to the first one."""
    program = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    refusal = pyseccomp.ERRNO(1)
    for name in REFUSED:
        program.add_rule(refusal, name)
    program.add_rule(refusal, "mmap", _has(2, WRITE | EXECUTE))
    program.add_rule(refusal, "mmap", _has(2, EXECUTE), _has(3, ANONYMOUS))
    program.add_rule(refusal, "mmap", _has(2, EXECUTE), _has(3, SHARED))  # a second, writable view can be had of it
    for name in ("mprotect", "pkey_mprotect"):
        program.add_rule(refusal, name, _has(2, EXECUTE))
    # /proc/self/mem writes to any page; it cannot be opened by a process that is not dumpable
    program.add_rule(refusal, "prctl", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, INT, SET_DUMPABLE))
    return export_program(program)


def _has(argument: int, bits: int) -> pyseccomp.Arg:
    return pyseccomp.Arg(argument, pyseccomp.MASKED_EQ, bits, bits)
