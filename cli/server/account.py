"""`lacuna account`: one's password, log-ins and tokens."""

from typing import Annotated

import typer

from cli.server.log_in import NewPassword
from cli.show.console import print_json, print_line
from cli.show.options import JsonOption, UrlOption
from cli.show.remote import open_client

account_app = typer.Typer(no_args_is_help=True, help="Password, log-ins and tokens.")
OldPassword = Annotated[
    str, typer.Option("--old", envvar="LACUNA_OLD_PASSWORD", prompt="old password", hide_input=True, show_default=False)
]


@account_app.command("password")
def change_password(old: OldPassword, password: NewPassword, url: UrlOption = "") -> None:
    """Change the password; every browser's log-in ends, tokens stay."""
    with open_client(url) as client:
        client.change_password(old, password)
    print_line("the password is changed; every browser has to log in again")


@account_app.command("logout")
def log_out_everywhere(
    tokens: Annotated[bool, typer.Option("--tokens", help="Revoke every token too, this one included.")] = False,
    url: UrlOption = "",
) -> None:
    """End every browser's log-in."""
    with open_client(url) as client:
        client.log_out_everywhere(tokens=tokens)
    print_line("every log-in has ended" + (", and every token: `lacuna login` gets a new one" if tokens else ""))


@account_app.command("tokens")
def list_tokens(url: UrlOption = "", as_json: JsonOption = False) -> None:
    """List the tokens that work, with what they may do and until when."""
    with open_client(url) as client:
        rows = [row for row in client.list_tokens() if row["revoked_at"] is None]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        scopes = ", ".join(row["scopes"])
        print_line(f"{row['id']}  {row['label'] or '–'}  {scopes}  until {row['expires_at'][:10]}")


@account_app.command("revoke")
def revoke_token(token_id: str, url: UrlOption = "") -> None:
    """End a token at once."""
    with open_client(url) as client:
        client.revoke_token(token_id)
    print_line("revoked")
