"""What `lacuna doctor` cannot see from outside: how the network comes back. A few lines join the file and print it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

ENTRY = "submission.py"
MARK = "lacuna-probe:"
_FRAME = re.compile(r'^  File "[^"]*", line \d+, in probed\n(?:    .*\n)*', re.MULTILINE)

# Joined at the end, so that line numbers in tracebacks stay; functools.wraps keeps the parameters asked for by name.
_SOURCE = """

def _lacuna_probe(function):
    import functools, json

    @functools.wraps(function)
    def probed(net, *loaders, **options):
        before = {name: tuple(value.shape) for name, value in net.state_dict().items()}
        returned = function(net, *loaders, **options)
        result = net if returned is None else returned
        if hasattr(result, "state_dict"):
            tensors = {k: v for k, v in result.state_dict().items() if hasattr(v, "dtype")}
            print("MARK" + json.dumps({
                "returned": "nothing" if returned is None else "the network" if returned is net else "another object",
                "training": bool(getattr(result, "training", False)),
                "dtypes": sorted({str(v.dtype).replace("torch.", "") for v in tensors.values()}),
                "same_schema": {k: tuple(v.shape) for k, v in tensors.items()} == before,
            }), flush=True)
        return returned

    return probed


unlearning = _lacuna_probe(unlearning)
""".replace("MARK", MARK)


@dataclass(frozen=True, slots=True)
class ProbeReport:
    returned: str
    training: bool
    dtypes: tuple[str, ...]
    same_schema: bool


def add_probe(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {**files, ENTRY: files[ENTRY] + _SOURCE.encode()}


def read_probe(log: str) -> ProbeReport | None:
    """Find what the probe printed; None if the code printed so much that it was cut off."""
    for line in reversed(log.splitlines()):
        _, mark, said = line.partition(MARK)
        if mark:
            try:
                found = json.loads(said)
                return ProbeReport(
                    returned=str(found["returned"]),
                    training=bool(found["training"]),
                    dtypes=tuple(found["dtypes"]),
                    same_schema=bool(found["same_schema"]),
                )
            except (ValueError, KeyError, TypeError):
                return None
    return None


def remove_probe_frame(traceback: str) -> str:
    """The traceback without the frame of the probe: two or three indented lines."""
    return _FRAME.sub("", traceback)


def remove_probe(log: str) -> str:
    """The log without what the probe added to it."""
    return "\n".join(line.partition(MARK)[0] if MARK in line else line for line in log.splitlines()).strip()
