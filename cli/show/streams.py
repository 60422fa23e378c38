"""Standard streams of any kind: an old encoding, a pipe that nobody reads any more, none at all."""

import os
import sys
from contextlib import suppress


def prepare_streams() -> None:
    """Letters that the terminal's encoding lacks become `?`; nothing that is printed can raise."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started the command
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 -- for as long as the process
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def is_unicode() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf")


def settle_streams() -> None:
    """Write what is left, or leave it: whoever closed a pipe has read enough."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                nothing = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nothing, stream.fileno())
                os.close(nothing)
