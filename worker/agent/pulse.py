"""Keeps a node's lease alive while a shard runs, and hears when nobody wants it any more."""

from core.domain.errors import ContestError, NotAuthenticated
from worker.agent.link import Link, ServerAway
from worker.agent.patience import Standing
from worker.shards.beat import Beat


class LeasePulse(Beat):
    def __init__(self, link: Link, standing: Standing, lease: str, lease_seconds: float) -> None:
        super().__init__(lease_seconds)
        self._link, self._standing, self._lease = link, standing, lease

    @property
    def is_wanted(self) -> bool:
        return super().is_wanted and not self._standing.over.is_set()

    def _ask(self, finished: int) -> bool | None:
        if not self._wanted:
            return False
        try:
            return self._link.is_wanted(self._lease, finished)
        except ServerAway:
            return None  # the fence decides at the end
        except NotAuthenticated as error:
            self._standing.end(error.message)
            return None
        except ContestError:
            return False
