"""`lacuna discussion`: what people say about a competition, and saying something."""

from typing import Annotated, Any

import typer

from cli.show.console import print_json, print_line
from cli.show.numbers import show_time
from cli.show.options import JsonOption, SlugArgument, UrlOption
from cli.show.remote import choose_competition, open_client


def discussion(
    competition: SlugArgument = "",
    thread: Annotated[str, typer.Option(help="Read this thread; its id is in the list.", show_default=False)] = "",
    say: Annotated[str, typer.Option(help="Markdown: answer --thread, or begin --title.", show_default=False)] = "",
    title: Annotated[str, typer.Option(help="Begin a thread with this title.", show_default=False)] = "",
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """List the threads of a competition, read one, answer it, or begin one."""
    if (title and thread) or bool(say) != bool(title or (thread and say)):
        raise typer.BadParameter("--say goes with --title for a new thread, or with --thread for an answer")
    with open_client(url) as client:
        slug = choose_competition(client, competition)
        if title:
            thread = client.begin_thread(slug, title, say)["id"]
        elif say:
            client.reply(slug, thread, say)
        found = client.read_thread(slug, thread) if thread else client.list_threads(slug)
    if as_json:
        print_json(found)
    elif thread:
        _print_thread(found)
    else:
        _print_threads(found["items"])


def _print_threads(items: list[dict[str, Any]]) -> None:
    for item in items:
        marks = "".join(f" [{word}]" for word in ("pinned", "closed", "hidden") if item[f"is_{word}"])
        typer.echo(f"{item['title']}{marks}\n  {_name(item)}, {item['posts']} posts, {show_time(item['last_post_at'])}")
        typer.echo(f"  --thread {item['id']}")
    if not items:
        print_line("nobody has said anything yet")


def _print_thread(found: dict[str, Any]) -> None:
    typer.echo(f"{found['thread']['title']}\n")
    for post in found["items"]:
        text = post["text"] or "(hidden by an organizer)"
        typer.echo(f"{_name(post)}, {show_time(post['created_at'])}\n\n{text}\n")


def _name(item: dict[str, Any]) -> str:
    return f"{item['author']} (organizer)" if item["by_staff"] else str(item["author"])
