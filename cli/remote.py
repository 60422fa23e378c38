"""What the commands that talk to a server share."""

from typing import Annotated

import typer

from cli.client import LacunaClient
from cli.credentials import choose_server
from core.domain.errors import NotFound

UrlOption = Annotated[
    str, typer.Option("--url", help="The server (LACUNA_URL; default: where you logged in).", show_default=False)
]


def open_client(url: str) -> LacunaClient:
    address, token = choose_server(url or None)
    return LacunaClient(address, token)


def choose_competition(client: LacunaClient, slug: str) -> str:
    """The named competition, or the only one there is."""
    if slug:
        return slug
    slugs = [str(item["slug"]) for item in client.list_competitions()]
    if len(slugs) == 1:
        return slugs[0]
    if not slugs:
        raise NotFound(f"{client.url} has no competition yet")
    raise NotFound(f"name one of the competitions: {', '.join(slugs)}")
