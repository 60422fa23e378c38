"""The first process inside the sandbox: it loads once, then forks a keeper for one replica after another.

It never runs participant code and speaks frames on the standard streams it was started with. Every replica inherits
its memory, so nothing of a replica may ever be in it: the keeper, which is the ancestor of one replica alone, takes the
order, reads what comes back and answers the host. All that this process learns is a byte when the keeper is done.
"""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from sandbox.assignment import build_network, read_assignment
from sandbox.cage import end_descendants, harden, is_first, wipe
from sandbox.contract import Message, Role, write_frame
from sandbox.keeper import DONE, Keeper
from sandbox.meter import Meter, open_meter
from sandbox.outside_jupyter import stand_in_for_jupyter
from sandbox.warmup import warm_up


def serve(host_in: BinaryIO, host_out: BinaryIO, meter: Meter) -> None:
    assignment = read_assignment(host_in)
    build_network(assignment.setup["network"])  # imports the network's code before the first fork
    stand_in_for_jupyter()
    warm_up(assignment.files[Role.ENTRY])
    wipe([Path(folder) for folder in assignment.setup["writable"]], uid=None)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits: /proc would show what was waited for added up
    write_frame(host_out, Message.READY)
    keeper = Keeper(assignment, host_in, host_out, meter, alone=is_first())
    while _run(keeper):
        pass
    end_descendants(alone=is_first())


def _run(keeper: Keeper) -> bool:
    """Whether the box may serve another replica: not when the host is done, nor when the keeper came to grief."""
    done_read, done_write = os.pipe()
    child = os.fork()
    if child == 0:
        keeper.keep(done_write)
    os.close(done_write)
    is_done = os.read(done_read, len(DONE)) == DONE
    os.close(done_read)
    with suppress(ChildProcessError):  # nobody reaps it; this returns when the last of its memory is given back
        os.waitpid(child, 0)
    return is_done


def take_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """Move the host's streams out of reach: descriptors 0 and 1 lead nowhere from here on."""
    host_in = os.fdopen(os.dup(0), "rb", buffering=0)
    host_out = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return host_in, host_out


def main(arguments: Sequence[str]) -> None:
    sys.dont_write_bytecode = True
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # without a handler the kernel shields a namespace's first process
    harden()
    meter = open_meter(arguments)
    serve(*take_standard_streams(), meter)


if __name__ == "__main__":
    main(sys.argv[1:])
