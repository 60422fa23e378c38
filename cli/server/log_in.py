"""`lacuna register`, `login`, `whoami`, `logout`."""

from typing import Annotated

import typer

from cli.show.console import print_answer, print_line, print_note
from cli.show.options import JsonOption, UrlOption
from cli.show.remote import open_client
from client.credentials import Credentials, choose_server, forget_credentials, load_credentials, save_credentials
from client.http import LacunaClient
from core.domain.errors import NotAuthenticated, SecondFactorNeeded

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


def whoami(url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Say on which server one is who."""
    with open_client(url) as client:
        me = client.get_me()
        print_answer({"server": client.url, **me}, f"{me['name']} ({me['role']}) on {client.url}", as_json=as_json)


def logout(url: UrlOption = "") -> None:
    """Revoke the token in use and forget it; `lacuna account logout` ends the log-ins of browsers."""
    saved = load_credentials()
    with open_client(url) as client:
        try:
            client.revoke_token("current")
        except NotAuthenticated:  # it ended before
            print_note(f"{client.url} knows the token no more")
        if saved is not None and saved.url == client.url:
            forget_credentials()
        print_line(f"logged out of {client.url}")


def _save_token(client: LacunaClient, name: str, password: str) -> None:
    try:
        token = client.create_token(name, password, label="lacuna command")
    except SecondFactorNeeded:
        code = typer.prompt("code of your second factor")
        token = client.create_token(name, password, label="lacuna command", code=code)
    path = save_credentials(Credentials(url=client.url, token=token, name=name))
    print_line(f"logged in as {name}; the token is in {path}, readable by you alone")
