"""The calls about people: what they say to each other and what they are told."""

from abc import ABC, abstractmethod
from typing import Any

JSON = dict[str, Any]


class PeopleCalls(ABC):
    @abstractmethod
    def _call(self, method: str, path: str, *, repeat: bool = True, **options: Any) -> JSON:
        """Send one request and return the JSON object it is answered with."""

    def list_threads(self, slug: str, *, limit: int = 50) -> JSON:
        return self._call("GET", f"/competitions/{slug}/discussion", params={"limit": limit})

    def read_thread(self, slug: str, thread_id: str) -> JSON:
        """All of its posts, oldest first."""
        path, items, after = f"/competitions/{slug}/discussion/{thread_id}", [], ""
        while True:
            page = self._call("GET", path, params={"limit": 200} | ({"after": after} if after else {}))
            items += page["items"]
            after = page["next_after"] or ""
            if not after:
                return {"thread": page["thread"], "items": items}

    def begin_thread(self, slug: str, title: str, text: str) -> JSON:
        body = {"title": title, "text": text}
        return self._call("POST", f"/competitions/{slug}/discussion", json=body, repeat=False)

    def reply(self, slug: str, thread_id: str, text: str) -> JSON:
        path = f"/competitions/{slug}/discussion/{thread_id}/posts"
        return self._call("POST", path, json={"text": text}, repeat=False)

    def list_inbox(self, *, limit: int = 50) -> JSON:
        return self._call("GET", "/me/inbox", params={"limit": limit})

    def read_inbox(self) -> JSON:
        """Mark everything as read."""
        return self._call("POST", "/me/inbox/read")
