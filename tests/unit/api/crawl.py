"""Every answer that reading can get: all addresses, filled in with what there is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.testclient import TestClient
from httpx2 import Response

NOBODY: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Place:
    """What the names in addresses stand for."""

    slug: str
    submission_id: str
    rejudge_id: str = "none"
    role: str = "public"
    place: int = 0
    number: int = 1
    name: str = "submission.py"
    team: str = "ann"
    thread_id: str = "none"
    post_id: str = "none"
    lease_id: str = "none"
    digest: str = "0" * 64
    set_up_id: str = "none"
    part: str = "name"

    def fill(self, path: str) -> str:
        address = path.format(**{name: getattr(self, name) for name in self.__dataclass_fields__})
        asked = {"/compare": f"?a={self.submission_id}&b={self.submission_id}", "/ledger": f"?team={self.team}"}
        return address + next((query for end, query in asked.items() if path.endswith(end)), "")


def iter_routes(client: TestClient) -> Iterator[tuple[str, str, APIRoute]]:
    """Method, path and route of everything that is served."""
    for context in iter_route_contexts(client.app.routes):  # type: ignore[attr-defined]
        route = context.route
        if isinstance(route, APIRoute):
            for method in sorted(route.methods):
                yield method, str(context.path), route


def read_everything(
    client: TestClient, headers: Mapping[str, str], place: Place, *, about: Sequence[str] = ("",)
) -> Iterator[tuple[str, Response]]:
    """The path of every address that can be read, as it is declared, and its answer to this reader.

    about: names of which the path has one.
    """
    for method, path, _ in iter_routes(client):
        if method == "GET" and any(name in path for name in about):
            yield path, client.get(place.fill(path), headers=dict(headers), follow_redirects=False)
