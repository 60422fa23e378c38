"""A server that is away: said once, asked again with growing pauses, and never given up while the node is wanted."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from worker.agent.link import ServerAway

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
Answer = TypeVar("Answer")
Say = Callable[[str], None]


@dataclass(slots=True)
class Standing:
    """What all threads of a node know: whether it is over, why, and whether the server answers."""

    say: Say
    over: threading.Event = field(default_factory=threading.Event)
    reason: str = ""  # why it ended, where nobody asked for it
    _is_away: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def end(self, reason: str) -> None:
        """The first reason is the one that is told."""
        with self._lock:
            if not self.over.is_set():
                self.reason = reason
        self.over.set()

    def call(self, act: Callable[[], Answer]) -> Answer | None:
        """What the server answers, however long that takes; None once it is over."""
        pause = FIRST_PAUSE
        while not self.over.is_set():
            try:
                answer = act()
            except ServerAway as error:
                self._note(error.message)
                self.over.wait(pause * random.uniform(0.5, 1.0))
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            self._note("")
            return answer
        return None

    def _note(self, fault: str) -> None:
        with self._lock:
            was_away, self._is_away = self._is_away, bool(fault)
        if fault and not was_away:
            self.say(f"{fault}; trying again")
        elif was_away and not fault:
            self.say("the server answers again")
