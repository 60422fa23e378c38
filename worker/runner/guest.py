"""What every guest is started with, whichever backend starts it."""

from collections.abc import Mapping

from worker.runner.base import Limits

PROBE_LIMITS = Limits(
    wall_seconds=10.0,
    memory_bytes=256 << 20,
    output_bytes=1,
    log_bytes=0,
    print_bytes=0,
    scratch_bytes=1 << 20,
    processes=8,
)
GUEST_MODULE = "sandbox.entrypoint"
HOST_NAME = "sandbox"
TMP, SHM = "/tmp", "/dev/shm"  # noqa: S108 -- paths inside the box
WRITABLE = (TMP, SHM, "/dev/mqueue")
SCRATCH = f"{TMP}/replica"  # the working folder of a replica
# Where hosted notebooks write: published code names these paths. The image has the same links (sandbox/Dockerfile).
SCRATCH_LINKS = ("/kaggle/tmp", "/kaggle/temp", "/kaggle/working", "/content")
INPUT, INPUT_LINK = f"{TMP}/input", "/kaggle/input"  # what they read, where there is something: sandbox/hosted_input.py
SHM_BYTES = 64 << 20
INODES = 16384  # of each folder that can be written
GUEST_ENV: Mapping[str, str] = {
    "LANG": "C.UTF-8",
    "HOME": TMP,
    "USER": "replica",  # libraries that ask for a name find no password file
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "MPLBACKEND": "Agg",
    "MPLCONFIGDIR": TMP,
}
