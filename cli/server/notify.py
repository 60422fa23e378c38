"""`lacuna notify`: what one is told about, by webhook and by mail."""

from typing import Annotated, Any

import typer

from cli.show.console import print_answer, print_json, print_line, print_note
from cli.show.numbers import show_time
from cli.show.options import JsonOption, UrlOption
from cli.show.remote import open_client
from core.domain.errors import InvalidInput
from core.domain.notifications import Event

notify_app = typer.Typer(no_args_is_help=True, help="Webhooks and mail: choose what you are told about.")
Events = Annotated[
    list[Event] | None, typer.Option("--event", "-e", help="May be repeated; all if left out.", show_default=False)
]
JSON = dict[str, Any]


@notify_app.command()
def show(url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Show the mail address, the webhooks, and what each is told."""
    with open_client(url) as client:
        own, hooks = client.get_notifications(), client.list_webhooks()
    if as_json:
        print_json({**own, "webhooks": hooks})
        return
    mail = own["mail"]
    if mail:
        state = "" if mail["confirmed_at"] else " (not confirmed: follow the link in the mail)"
        print_line(f"mail to {mail['address']}{state}: {', '.join(mail['events'])}")
    else:
        print_line("no mail" if own["mail_available"] else "no mail: this server sends none")
    for hook in hooks:
        off = f" (off: {hook['disabled_reason']})" if hook["disabled_at"] else ""
        print_line(f"{hook['id']}  {hook['url']}{off}: {', '.join(hook['events'])}")


@notify_app.command()
def mail(
    address: Annotated[str, typer.Argument(help="Where to; empty with --off.")] = "",
    events: Events = None,
    off: Annotated[bool, typer.Option("--off", help="No more mails; forget the address.")] = False,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Have mail sent to an address, once the link in the first mail was followed."""
    if bool(address) == off:
        raise InvalidInput("give an address, or --off")
    changes: JSON = {"address": None if off else address}
    if events:
        changes["events"] = list(events)
    with open_client(url) as client:
        own = client.change_notifications(changes)
    if as_json:
        print_json(own)
    elif own["mail"] is None:
        print_line("no more mails")
    elif own["mail"]["confirmed_at"]:
        print_line(f"mail to {address}: {', '.join(own['mail']['events'])}")
    else:
        print_line(f"a mail with a link is on its way to {address}; follow the link to receive anything else")


@notify_app.command()
def add(
    hook_url: Annotated[str, typer.Argument(metavar="ADDRESS")],
    events: Events = None,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Add a webhook; its secret is printed this once."""
    with open_client(url) as client:
        made = client.create_webhook(hook_url, list(events or Event))
    words = f"{made['id']}  {made['url']}: {', '.join(made['events'])}\nsecret: {made['secret']}"
    print_answer(made, words, as_json=as_json)


@notify_app.command("test")
def send_test(webhook: str, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Send one message to a webhook; `lacuna notify log` says how it went."""
    with open_client(url) as client:
        sent = client.test_webhook(webhook)
    print_answer(sent, f"{sent['id']} is on its way to {sent['target']}", as_json=as_json)


@notify_app.command()
def on(webhook: str, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Turn a webhook on again."""
    with open_client(url) as client:
        row = client.change_webhook(webhook, {"enabled": True})
    print_answer(row, f"{row['url']} is on", as_json=as_json)


@notify_app.command()
def off(webhook: str, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Turn a webhook off; what waits for it is given up."""
    with open_client(url) as client:
        row = client.change_webhook(webhook, {"enabled": False})
    print_answer(row, f"{row['url']} is off", as_json=as_json)


@notify_app.command()
def rotate(
    webhook: str,
    overlap: Annotated[
        int | None,
        typer.Option(
            "--overlap-hours", min=0, help="How long the old secret signs, too; 0 after a leak.", show_default="24"
        ),
    ] = None,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Give a webhook a new secret, printed this once."""
    with open_client(url) as client:
        made = client.change_webhook_secret(webhook, overlap)
    print_answer(made, f"secret: {made['secret']}", as_json=as_json)
    until = made["old_secret_until"]
    print_note(f"the old one signs, too, until {show_time(until)}" if until else "the old one signs nothing any more")


@notify_app.command()
def remove(webhook: str, url: UrlOption = "") -> None:
    """Remove a webhook and its secret."""
    with open_client(url) as client:
        client.delete_webhook(webhook)
    print_line("removed")


@notify_app.command("log")
def show_log(url: UrlOption = "", as_json: JsonOption = False) -> None:
    """List what was sent lately, newest first."""
    with open_client(url) as client:
        rows = client.list_deliveries()
    if as_json:
        print_json(rows)
        return
    if not rows:
        print_line("nothing was sent in the last 30 days")
    for row in rows:
        answer = row["error"] or row["status_code"] or ""
        print_line(f"{row['created_at'][:19]}  {row['event']}  {row['target']}  {row['state']}  {answer}".rstrip())
