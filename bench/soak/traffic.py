"""People at a platform: they upload, cancel, read boards and follow what they sent; an admin rejudges."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable

import httpx2
from sqlalchemy import Engine

from client.http import LacunaClient
from core.db.queries.users import set_role
from core.db.session import transaction
from core.domain.access import Role
from core.domain.errors import ContestError

UPLOADERS, READERS, FOLLOWERS = 4, 3, 2
PASSWORD = "as long as an hour"  # noqa: S105  (of accounts that end with the soak)
STREAM_SECONDS = 20.0
SOURCES = {
    "honest": "    return net\n",
    "slow": "    import time\n    time.sleep(0.3)\n    return net\n",
    "failing": "    if len(retain_loader):\n        raise ValueError('on purpose')\n",
    "printing": "    print('x' * 5000)\n    return net\n",
}


class Traffic:
    def __init__(self, url: str, slug: str, engine: Engine, *, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self._url, self._slug, self._engine = url, slug, engine
        self._over, self._seed = threading.Event(), seed
        self._sent: list[str] = []  # newest last
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        roles = [*[self._upload] * UPLOADERS, *[self._read] * READERS, *[self._follow] * FOLLOWERS, self._rejudge]
        for number, act in enumerate(roles):
            chance = random.Random(self._seed * 1000 + number)
            thread = threading.Thread(target=self._live, args=(act, f"person{number}", chance), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Whoever waits for an answer gets it first."""
        self._over.set()
        for thread in self._threads:
            thread.join(120.0)

    def _live(self, act: Callable[[LacunaClient, random.Random], None], name: str, chance: random.Random) -> None:
        client: LacunaClient | None = None
        while not self._over.is_set():
            try:
                client = client or self._arrive(name, is_admin=act == self._rejudge)
                act(client, chance)
            except ContestError as error:  # said in one line: the platform is away, or says no
                self.counts[f"refused: {type(error).__name__}"] += 1
            except httpx2.HTTPError:
                self.counts["cut off"] += 1
            self._over.wait(chance.uniform(0.5, 2.0))

    def _arrive(self, name: str, *, is_admin: bool) -> LacunaClient:
        client = LacunaClient(self._url)
        try:
            client.register(name, PASSWORD)
        except ContestError:
            self.counts["registered again"] += 1  # the answer to the first time was lost
        if is_admin:
            with transaction(self._engine) as session:
                set_role(session, name, Role.ADMIN)
        client.token = client.create_token(name, PASSWORD)
        return client

    def _upload(self, client: LacunaClient, chance: random.Random) -> None:
        kind = chance.choices(list(SOURCES), (6, 2, 1, 1))[0]
        source = f"# {chance.random()}\ndef unlearning(net, retain_loader, forget_loader, val_loader):\n{SOURCES[kind]}"
        sent = client.submit(self._slug, "soak.py", source.encode())["id"]
        self.counts["uploads"] += 1
        self._sent.append(sent)
        if chance.random() < 0.15:
            self._over.wait(chance.uniform(0.0, 5.0))
            client.cancel(sent)
            self.counts["cancels"] += 1
        self._over.wait(chance.uniform(2.0, 10.0))

    def _read(self, client: LacunaClient, chance: random.Random) -> None:
        client.get_leaderboard(self._slug)
        self.counts["boards"] += 1
        page = f"{self._url}/competitions/{self._slug}"
        self.counts[f"pages: {httpx2.get(page, timeout=30.0).status_code}"] += 1

    def _follow(self, client: LacunaClient, chance: random.Random) -> None:
        if not self._sent:
            return
        address = f"{self._url}/api/v1/submissions/{self._sent[-1]}/events"
        until = time.monotonic() + STREAM_SECONDS
        with httpx2.stream("GET", address, headers={"Authorization": f"Bearer {client.token}"}, timeout=30.0) as answer:
            for _ in answer.iter_lines():
                if time.monotonic() > until or self._over.is_set():
                    break
        self.counts["event streams"] += 1

    def _rejudge(self, client: LacunaClient, chance: random.Random) -> None:
        """Of a few; once it is complete it is discarded, and the next begins."""
        undecided = [row for row in client.list_rejudges(self._slug)["items"] if row["state"] == "running"]
        for row in undecided:
            if row["is_complete"]:
                client.decide_rejudge(row["id"], "discard", "looked at during the soak")
        ended = [each["submission_id"] for each in client.get_leaderboard(self._slug)["entries"]]
        if not undecided and ended:
            scope = {"competition": self._slug, "submissions": chance.sample(ended, min(2, len(ended)))}
            client.start_rejudge(scope, "the soak wants it")
            self.counts["rejudges"] += 1
        client.get_queue()
        self._over.wait(10.0)
