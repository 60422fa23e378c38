"""Templates of reports: escaped, and an unknown name is an error, because nobody may be there to see a gap."""

from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from core.domain.visible import make_visible

TEMPLATE_FOLDER = Path(__file__).parent / "templates"


def make_environment(**filters: Callable[..., object]) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_show,
    )
    environment.filters.update(filters)
    return environment


def _show(value: object) -> object:
    """Names, reasons and logs are others' text: what cannot be seen in it is written as an escape."""
    if isinstance(value, Markup):
        return Markup(make_visible(str(value)))  # noqa: S704  (the same, with escapes of plain letters in it)
    return make_visible(value) if isinstance(value, str) else value
