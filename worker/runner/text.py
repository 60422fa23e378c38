"""Text that came out of a sandbox, made fit for a database row, a terminal and a page."""

import re

LINE_CHARS = 300
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and newline: terminals obey the rest


def clean_text(text: str) -> str:
    """Replace control characters and lone surrogates; neither PostgreSQL nor a terminal may meet them."""
    return CONTROL.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n").encode(errors="replace").decode())


def clean_line(text: str, *, limit: int = LINE_CHARS) -> str:
    return " ".join(clean_text(text).split())[:limit]
