"""How numbers and times read on pages; what is missing is a dash."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup, escape

from api.markdown import render_markdown
from core.db.base import utc_now
from core.domain.durations import show_duration
from core.domain.moments import write_local

DASH = "–"


def format_number(value: float | None, digits: int = 3) -> str:
    return DASH if value is None else f"{value:.{digits}f}"


def format_signed(value: float | None, digits: int = 3) -> str:
    """A difference: with its sign, and a real minus; what rounds to nothing has none."""
    if value is None:
        return DASH
    shown = f"{value:+.{digits}f}"
    return shown[1:] if not float(shown) else shown.replace("-", "−")


def format_share(share: float | None, digits: int = 1) -> str:
    """A fraction as percent; large ones need no decimals."""
    if share is None:
        return DASH
    percent = 100 * share
    return f"{percent:.{0 if percent >= 99.5 else digits}f} %"


def format_percent(percent: float | None, digits: int = 1) -> str:
    return DASH if percent is None else f"{percent:.{digits}f}"


def format_time(moment: datetime | None) -> str:
    return DASH if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def format_left(moment: datetime) -> str:
    """How long until then, in the two largest units."""
    left = moment - utc_now()
    if left <= timedelta(0):
        return "over"
    minutes = int(left.total_seconds()) // 60
    parts = {"day": minutes // 1440, "hour": minutes // 60 % 24, "minute": minutes % 60}
    shown = [f"{count} {unit}{'' if count == 1 else 's'}" for unit, count in parts.items() if count][:2]
    return f"{' '.join(shown) or 'less than a minute'} left"


def format_bytes(count: int) -> str:
    if count >= 1 << 30:
        return f"{count / (1 << 30):.1f} GiB"
    return f"{count / (1 << 20):.0f} MiB" if count >= 1 << 20 else f"{count / (1 << 10):.0f} KiB"


def format_duration(seconds: float | None) -> str:
    return DASH if seconds is None else show_duration(seconds)


def format_words(text: str) -> str:
    return text.replace("_", " ")


def format_code(text: str) -> Markup:
    """What stands between backticks, as code; everything is escaped first."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704


def format_breakable(text: str) -> Markup:
    """A name that may go on in the next line behind its underscores, and not in the middle of a word."""
    return Markup(str(escape(text)).replace("_", "_<wbr>"))  # noqa: S704


FILTERS: dict[str, Callable[..., Any]] = {
    "number": format_number,
    "signed": format_signed,
    "share": format_share,
    "percent": format_percent,
    "time": format_time,
    "left": format_left,
    "local": write_local,
    "bytes": format_bytes,
    "duration": format_duration,
    "words": format_words,
    "code": format_code,
    "breakable": format_breakable,
    "markdown": render_markdown,
}
