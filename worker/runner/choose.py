"""Pick the sandbox that a setting names, or the best one this machine has."""

import hashlib
from collections.abc import Sequence

from core.domain.errors import PlatformFault
from core.settings import Settings
from worker.runner.base import Sandbox
from worker.runner.bubblewrap import BubblewrapSandbox
from worker.runner.docker import DockerOptions, DockerSandbox
from worker.runner.process import ProcessSandbox
from worker.runner.remote import LauncherSandbox

AUTO = "auto"
AUTO_ORDER = ("docker", "bubblewrap")  # never `process`, which isolates nothing


def choose_sandbox(settings: Settings) -> Sandbox:
    """Give a sandbox that can run here; `auto` prefers docker, then bubblewrap.

    Raises PlatformFault with one readable line, and what to do about it, if there is none.
    """
    known = list_sandboxes(settings)
    if settings.sandbox != AUTO and settings.sandbox not in known:
        raise PlatformFault(f"no sandbox is named {settings.sandbox!r}; there are: {', '.join([AUTO, *known])}")
    names = AUTO_ORDER if settings.sandbox == AUTO else (settings.sandbox,)
    return pick_sandbox([known[name] for name in names])


def list_sandboxes(settings: Settings) -> dict[str, Sandbox]:
    image, runtime = settings.sandbox_image, settings.sandbox_runtime
    owner = name_owner(settings)
    return {
        "docker": DockerSandbox(DockerOptions(image=image, owner=owner, runtime=runtime)),
        "bubblewrap": BubblewrapSandbox(owner=owner),
        "launcher": LauncherSandbox(settings.launcher_socket),
        "process": ProcessSandbox(allow=not settings.production),
    }


def name_owner(settings: Settings) -> str:
    """Of boxes: every node of a platform, and no other platform, writes to its database."""
    return hashlib.sha256(settings.resolved_database_url.encode()).hexdigest()[:12]


def pick_sandbox(candidates: Sequence[Sandbox]) -> Sandbox:
    """The first that can run here; if none can, the last one's obstacle is the one easiest to remove."""
    obstacle: str | None = None
    for sandbox in candidates:
        obstacle = sandbox.find_obstacle()
        if obstacle is None:
            return sandbox
    raise PlatformFault(obstacle or "no sandbox to choose from")
