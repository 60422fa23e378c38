"""Classes as a form names them: a place from 0, or a name of the data set."""

import re

from core.domain.errors import InvalidInput

LONG = 10  # digits that no place has
QUOTED = re.compile(r'"((?:[^"]|"")*)"')


def read_class(text: str) -> int | str:
    """Digits are a place; what stands in quotation marks is a name, digits or not."""
    found = read_classes(text)
    if len(found) > 1:
        raise InvalidInput("this must be one class; a name with a comma in it stands in quotation marks")
    return found[0]


def read_classes(text: str) -> list[int | str]:
    """With commas between them."""
    return [_read_one(part.strip()) for part in _split(text)]


def write_class(named: int | str) -> str:
    """As it is read again."""
    if isinstance(named, int):
        return str(named)
    is_plain = named and not named.isdecimal() and named == named.strip() and not set(',"\n') & set(named)
    return named if is_plain else '"' + named.replace('"', '""') + '"'


def _split(text: str) -> list[str]:
    """At commas outside quotation marks, which stay."""
    parts, inside = [""], False
    for letter in text:
        inside = inside ^ (letter == '"')
        if letter == "," and not inside:
            parts.append("")
        else:
            parts[-1] += letter
    if inside:
        raise InvalidInput("a quotation mark is not closed")
    return parts


def _read_one(part: str) -> int | str:
    quoted = QUOTED.fullmatch(part)
    if quoted:
        return quoted[1].replace('""', '"')
    if '"' in part:
        raise InvalidInput(f"a name with quotation marks in it stands in them as a whole: {part}")
    if part.removeprefix("-").isdecimal() and len(part) < LONG:
        return int(part)
    if not part:
        raise InvalidInput("this must be classes with commas between them, such as 1, 7 or cat, dog")
    return part
