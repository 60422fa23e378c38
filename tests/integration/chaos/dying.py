"""No test leaves a process behind, however it ends."""

import ctypes
import signal


def die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
