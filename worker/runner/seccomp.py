"""The one list of system calls a sandbox may make (`seccomp.json`, in the container engines' format), as a program."""

import functools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyseccomp

PROFILE = Path(__file__).with_name("seccomp.json")
COMPARISONS = {"SCMP_CMP_EQ": pyseccomp.EQ, "SCMP_CMP_MASKED_EQ": pyseccomp.MASKED_EQ}


def load_profile() -> dict[str, Any]:
    profile: dict[str, Any] = json.loads(PROFILE.read_text())
    return profile


@functools.cache
def build_program() -> bytes:
    """Compile the profile for this machine; names its kernel headers do not know are left out, that is, refused."""
    profile = load_profile()
    program = pyseccomp.SyscallFilter(pyseccomp.ERRNO(profile["defaultErrnoRet"]))
    for rule in profile["syscalls"]:
        action = pyseccomp.ALLOW if rule["action"] == "SCMP_ACT_ALLOW" else pyseccomp.ERRNO(rule["errnoRet"])
        conditions = [_read_condition(condition) for condition in rule.get("args", [])]
        for name in rule["names"]:
            if pyseccomp.resolve_syscall(pyseccomp.system_arch(), name) >= 0:
                program.add_rule(action, name, *conditions)
    return export_program(program)


@contextmanager
def seccomp_program() -> Iterator[int]:
    """A descriptor to read the program from, at its start."""
    descriptor = os.memfd_create("seccomp")
    try:
        os.write(descriptor, build_program())
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


def _read_condition(condition: dict[str, Any]) -> Any:
    comparison = COMPARISONS[condition["op"]]
    return pyseccomp.Arg(condition["index"], comparison, condition["value"], condition.get("valueTwo", 0))


def export_program(program: Any) -> bytes:
    with os.fdopen(os.memfd_create("export"), "w+b") as file:
        program.export_bpf(file)
        file.seek(0)
        return file.read()
