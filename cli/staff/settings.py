"""`lacuna organize set`: an option for every setting of a competition."""

import inspect
from datetime import datetime
from typing import Annotated, Any

import typer

from cli.show.console import print_answer, print_note
from cli.show.numbers import show_time
from cli.show.options import Because, JsonOption, UrlOption
from cli.show.remote import open_client
from core.domain.competition_settings import SETTINGS, Setting
from core.domain.moments import has_time, parse_moment


def change_settings(
    competition: Annotated[str, typer.Argument(show_default=False)],
    because: Because,
    url: UrlOption = "",
    as_json: JsonOption = False,
    **named: int | str | None,
) -> None:
    """Move the deadline of a competition, change its limits."""
    changes: dict[str, Any] = {
        setting.name: read_setting(setting, value)
        for setting in SETTINGS
        if (value := named.get(setting.name)) is not None
    }
    with open_client(url) as client:
        row = client.change_settings(competition, changes, because)
    print_answer(
        row, f"{row['slug']}: deadline {row['closes_at'] or 'none'}, {row['daily_limit']} a day", as_json=as_json
    )


def read_setting(setting: Setting, value: int | str) -> Any:
    """As the API takes it."""
    if setting.kind is not datetime:
        return setting.read_number(value)
    if value == "none":
        return None
    moment = parse_moment(str(value))
    if not has_time(str(value)):
        print_note(f"{value} is taken as {show_time(moment.isoformat())}, when that day begins")
    return moment.isoformat()


def _make_option(setting: Setting) -> inspect.Parameter:
    if setting.kind is datetime:
        about = f"{setting.describe('none')}; such as 2026-12-31T23:59."
        kind: Any = Annotated[str | None, typer.Option(help=about, show_default=False)]
    else:
        least = 0 if setting.none else setting.least
        kind = Annotated[int | None, typer.Option(min=least, max=setting.most, help=f"{setting.describe('0')}.")]
    return inspect.Parameter(setting.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)


def _show_options() -> inspect.Signature:
    """What typer reads in place of `**named`."""
    own = inspect.signature(change_settings)
    kept = [each for each in own.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    return own.replace(parameters=[*kept, *map(_make_option, SETTINGS)])


change_settings.__signature__ = _show_options()  # type: ignore[attr-defined]
