"""What one replica looked for and read, the next one cannot hear from how fast it is found again."""

import pytest

from tests.exploits.channels import measure
from worker.runner.cgroup import make_cgroup
from worker.runner.guest import PROBE_LIMITS


def test_names_and_pages_tell_the_next_replica_next_to_nothing() -> None:
    cgroup = make_cgroup(PROBE_LIMITS)
    if cgroup is None:
        pytest.skip("this process may make no cgroup: what the kernel remembers cannot be dropped")
    cgroup.remove()
    kinds: tuple[str, ...] = ("names", "pages")
    for _ in range(2):  # what can be heard is heard again; on a busy machine a clock alone sometimes seems to speak
        kinds = tuple(found.kind for found in measure("bubblewrap", kinds, pairs=4) if found.bits >= found.width / 8)
        if not kinds:
            return
    pytest.fail(f"the next replica hears {', '.join(kinds)}")
