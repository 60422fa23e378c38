"""What goes wrong during a soak: processes die or freeze, messages are lost."""

import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress

import psutil  # type: ignore[import-untyped]
import redis

from cli.here.processes import DEATHS_FORGIVEN, LocalPlatform

FROZEN_SECONDS = 8.0  # longer than a lease
KILLS = ("worker killed", "api killed", "janitor killed", "broker killed", "worker's child killed")
OTHERS = ("worker frozen", "api frozen", "janitor frozen", "messages lost", "sandboxes killed")


class Faults:
    def __init__(self, platform: LocalPlatform, chance: random.Random) -> None:
        self.chance = chance
        self.counts: Counter[str] = Counter()
        self._platform = platform

    def inject(self, *, may_kill: bool) -> None:
        """One fault; a platform ends whose process keeps dying, so none is killed as often as that."""
        mortal = [name for name in KILLS if self.counts[name] < DEATHS_FORGIVEN - 1] if may_kill else []
        name = self.chance.choice([*mortal, *OTHERS])
        self.counts[name] += 1
        subject, _, deed = name.rpartition(" ")
        if name == "broker killed":
            with _connect(self._platform.broker_url) as client:
                os.kill(int(client.info("server")["process_id"]), signal.SIGKILL)
        elif name == "messages lost":
            with _connect(self._platform.broker_url) as client:
                client.flushall()
        elif name == "sandboxes killed":
            self._kill_boxes()
        elif name == "worker's child killed":
            self._kill_child()
        elif deed == "killed":
            self._platform.kill(subject)
        else:
            self._freeze(subject)

    def _freeze(self, name: str) -> None:
        group = self._platform.processes[name]
        os.killpg(group, signal.SIGSTOP)
        time.sleep(FROZEN_SECONDS)
        os.killpg(group, signal.SIGCONT)

    def _kill_child(self) -> None:
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(self._platform.processes["worker"]).children()
            if children:
                self.chance.choice(children).kill()

    def _kill_boxes(self) -> None:
        for process in list_boxes(self._platform):
            with suppress(psutil.NoSuchProcess):
                process.kill()


def list_boxes(platform: LocalPlatform) -> list[psutil.Process]:
    """What bubblewrap itself is of every sandbox that a worker of this platform started."""
    found = []
    with suppress(psutil.NoSuchProcess):
        for process in psutil.Process(platform.processes["worker"]).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if process.name() == "bwrap":
                    found.append(process)
    return found


def _connect(url: str) -> redis.Redis:
    return redis.Redis.from_url(url.replace("redis+socket://", "unix://", 1), protocol=2, socket_timeout=5.0)
