"""What a submission finds inside the sandbox image, and whose processor time is counted there."""

from enum import StrEnum

PYTHON = "3.11"


class CpuClock(StrEnum):
    """What processor seconds were read from."""

    CGROUP = "cgroup"  # the box's own: nothing that runs in it is left out
    PROCESS = "process"  # the replica and whatever was waited for: a hidden child is left out


# a test holds it against the image's own pins
LIBRARIES: dict[str, str] = {
    "torch": "2.13.0",
    "torchvision": "0.28.0",
    "numpy": "2.4.6",
    "pandas": "3.1.1",
    "scikit-learn": "1.9.1",
    "scipy": "1.17.1",
    "matplotlib": "3.11.2",
    "pillow": "13.0.0",
    "tqdm": "4.70.1",
    "tabulate": "0.10.0",
    "requests": "2.34.2",
    "safetensors": "0.8.0",
    "psutil": "7.2.2",
}
