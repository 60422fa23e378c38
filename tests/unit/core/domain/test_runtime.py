import re
from pathlib import Path

from core.domain.runtime import LIBRARIES, PYTHON

ROOT = Path(__file__).parents[4]
PIN = re.compile(r"^([a-z0-9-]+)==([^ ]+)(?: ; python_full_version < '3\.12')? \\$", re.MULTILINE)


def test_what_participants_are_told_is_what_the_image_installs() -> None:
    dockerfile = (ROOT / "sandbox/Dockerfile").read_text()
    pins = dict(PIN.findall((ROOT / "requirements/sandbox.txt").read_text()))
    pins |= dict(re.findall(r"(torch|torchvision)==([0-9.]+)", dockerfile))
    asked = re.findall(r"^([a-z-]+)>=", (ROOT / "requirements/sandbox.in").read_text(), re.MULTILINE)
    assert set(LIBRARIES) == {*asked, "torch", "torchvision"}
    assert {name: pins[name] for name in LIBRARIES} == LIBRARIES
    assert f"python:{PYTHON}-" in dockerfile
