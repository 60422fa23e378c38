"""A few results kept in the process, the longest unused dropped first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class _Slot(Generic[T]):
    def __init__(self) -> None:
        self.lock = Lock()
        self.values: list[T] = []  # one, once it was made


class Kept(Generic[T]):
    """For what its key says all about, so that nothing here is ever outdated."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._slots: OrderedDict[Hashable, _Slot[T]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Made once, also when many ask at the same time; an error is not kept."""
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > self._most:
                self._slots.popitem(last=False)
        with slot.lock:
            if not slot.values:
                slot.values.append(make())
            return slot.values[0]

    def forget(self) -> None:
        """Drop everything, as a new process would begin."""
        with self._lock:
            self._slots.clear()
