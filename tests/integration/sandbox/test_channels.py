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
    found = {channel.kind: channel for channel in measure("bubblewrap", ("names", "pages"), pairs=4)}
    assert found["names"].bits < found["names"].width / 8
    assert found["pages"].bits < found["pages"].width / 8
