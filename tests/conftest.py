"""For every test: one thread a process, no network but loopback, and in CI no skip of what CI has."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything imports numpy or torch

import socket
from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest
import structlog
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

LOOPBACK = ("127.", "::1", "localhost")
IN_CI = bool(os.environ.get("LACUNA_CI"))

settings.register_profile("lacuna", deadline=None, print_blob=True)
settings.load_profile("lacuna")

# as in production but to standard output; unconfigured it draws every traceback with its variables, for a second each
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
    ]
)


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Generator[None]:
    """Refuse every connection that would leave this machine."""
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, _guard(getattr(socket.socket, name)))
    yield
    patch.undo()


def _guard(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        leaves = self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(LOOPBACK)
        if leaves:
            raise PermissionError(f"tests stay on this machine: connection to {address[0]} refused")
        return connect(self, address)

    return guarded


# rooms whose tests share a process; boxes of a plain user share its limit of processes, fork bombs included
TOGETHER = {
    "tests/integration/chaos/": "chaos",
    "tests/e2e/": "platforms",
    "tests/exploits/": "boxes",
    "tests/integration/sandbox/": "boxes",
    "tests/integration/": "services",
}
LONGEST_FIRST = ("chaos", "services", "platforms", "boxes")


class ServicesTogether(LoadScopeScheduling):
    """Under xdist a file goes to one process; each group of rooms to one, beside the unit tests."""

    def _split_scope(self, nodeid: str) -> str:
        return find_group(nodeid)


def find_group(nodeid: str) -> str:
    found = (name for room, name in TOGETHER.items() if nodeid.startswith(room))
    return next(found, nodeid.split("::")[0])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Under xdist what takes long starts first, and files of few tests fill the processes in the end."""
    if hasattr(config, "workerinput"):
        sizes = Counter(find_group(item.nodeid) for item in items)
        items.sort(key=lambda item: _rank(find_group(item.nodeid), sizes))


def _rank(group: str, sizes: Counter[str]) -> tuple[int, int, str]:
    return LONGEST_FIRST.index(group) if group in LONGEST_FIRST else len(LONGEST_FIRST), -sizes[group], group


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ServicesTogether:
    config.option.loadscopereorder = False  # it would go by the number of tests
    return ServicesTogether(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    needs_service = item.get_closest_marker("integration") or item.get_closest_marker("e2e")
    if IN_CI and report.skipped and needs_service and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but CI has every service: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if IN_CI and report.outcome == "skipped":
        report.outcome = "failed"
        report.longrepr = f"a whole file skipped, but CI has every service: {report.longrepr}"
    return report
