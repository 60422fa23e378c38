"""`lacuna register` and `lacuna login`."""

from typing import Annotated

import typer

from cli.show.console import print_line, print_note
from cli.show.options import UrlOption
from client.credentials import Credentials, choose_server, save_credentials
from client.http import LacunaClient

NewPassword = Annotated[
    str,
    typer.Option(
        envvar="LACUNA_PASSWORD", prompt="password", confirmation_prompt=True, hide_input=True, show_default=False
    ),
]
Password = Annotated[
    str, typer.Option(envvar="LACUNA_PASSWORD", prompt="password", hide_input=True, show_default=False)
]


def register(
    name: Annotated[str, typer.Argument(help="Shown on leaderboards.")], password: NewPassword, url: UrlOption = ""
) -> None:
    """Make an account and log in."""
    with LacunaClient(choose_server(url or None)[0]) as client:
        client.register(name, password)
        print_line(f"account {name} made on {client.url}")
        _save_token(client, name, password)
    print_note("next: `lacuna competitions`, then `lacuna init` for a file to begin with")


def login(
    name: Annotated[str, typer.Option(prompt="name", help="The account.")], password: Password, url: UrlOption = ""
) -> None:
    """Get a token and keep it for later commands."""
    with LacunaClient(choose_server(url or None)[0]) as client:
        _save_token(client, name, password)


def _save_token(client: LacunaClient, name: str, password: str) -> None:
    token = client.create_token(name, password, label="lacuna command")
    path = save_credentials(Credentials(url=client.url, token=token, name=name))
    print_line(f"logged in as {name}; the token is in {path}, readable by you alone")
