"""What may be uploaded to be unlearned, how a version of it is named, and what becomes of an upload."""

import csv
import re
from dataclasses import dataclass
from enum import StrEnum

from core.domain.errors import InvalidInput

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_REFERENCE = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]{0,62})@(?:(?P<number>[1-9][0-9]{0,5})|(?P<digest>[0-9a-f]{8,64}))")
FULL_DIGEST = 64
MOST_EXAMPLES = 2_000_000
MOST_CLASSES = 1_000
MOST_PIXELS = 512  # of a side
MOST_ENTRIES = 200_000  # of an archive
MOST_UNPACKED_BYTES = 2 << 30
MOST_IDS = 1_000_000
ID_COLUMNS = ("id", "ids", "image_id", "example_id", "index")
SHOWN_CHARS = 80


class DataFormat(StrEnum):
    """How an upload is read; docs/guides/admin.md shows each."""

    NPZ = "npz"  # images (N,H,W[,C]) and labels (N,); test_images, test_labels and class_names if there are any
    IDX = "idx"  # a zip of the two or four files that MNIST is published as
    IMAGES = "images"  # a zip with a folder of PNG or JPEG files for each class, below train/ and test/ or at its root
    NAMED = "named"  # nothing is uploaded: files that lie in the server's data set folder


class DataSetStatus(StrEnum):
    UPLOADED = "uploaded"
    VALIDATING = "validating"
    READY = "ready"
    REFUSED = "refused"
    REVOKED = "revoked"  # no new work begins on it; what was scored stays


NO_NUMBERS = ("nan", "inf", "infinity", "none", "null")  # what other programs write for want of one
NAMED_SETS = ("cifar10", "cifar100", "svhn", "fashion-mnist", "digits")


@dataclass(frozen=True, slots=True)
class Reference:
    """A version of a data set by its number or by (the beginning of) the digest of its tensors."""

    name: str
    number: int | None
    digest: str | None


def parse_reference(text: str) -> Reference:
    found = _REFERENCE.fullmatch(text)
    if found is None:
        shown = text[:SHOWN_CHARS]
        raise InvalidInput(f"{shown!r} names no data set version: write `name@1`, or `name@` and its digest")
    number = found["number"]
    return Reference(found["name"], int(number) if number else None, found["digest"])


def parse_ids(text: str) -> list[int]:
    """Read the places of the examples to forget: one a line, or the column of a table that its header calls ids.

    A header has letters, and alone in its line no digit: `1e3` and `img_7` are meant as ids, and are none. Raises
    InvalidInput with the line of whatever is no id, and for a table that does not say.
    """
    rows = _split_rows(text.removeprefix("\ufeff"))
    header = rows[0][1] if rows and _is_header(rows[0][1]) else None
    column = _choose_column(header, rows)
    rows = rows[1:] if header is not None else rows
    if not rows:
        raise InvalidInput("the file holds no ids: write one number a line, counted from 0")
    if len(rows) > MOST_IDS:
        raise InvalidInput(f"the file holds {len(rows):,} ids; at most {MOST_IDS:,} are read")
    ids: dict[int, int] = {}
    for line, cells in rows:
        found = _read_id(line, cells, column, len(header) if header is not None else 1)
        if found in ids:
            raise InvalidInput(f"the file names an example twice: {found} in lines {ids[found]} and {line}")
        ids[found] = line
    return list(ids)


def _is_header(cells: list[str]) -> bool:
    has_letters = any(map(str.isalpha, "".join(cells)))
    if len(cells) > 1 or not has_letters:
        return has_letters
    return not any(map(str.isdigit, cells[0])) and cells[0].lower() not in NO_NUMBERS


def _split_rows(text: str) -> list[tuple[int, list[str]]]:
    """Cells by line; a semicolon or a tab separates where the header, which has letters, has it."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    marks = [mark for mark in (",", ";", "\t") if mark in first] if any(map(str.isalpha, first)) else []
    reader = csv.reader(text.splitlines(), delimiter=marks[0] if marks else ",")
    try:
        return [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise InvalidInput(f"the file is no table: line {reader.line_num}: {error}") from None


def _choose_column(header: list[str] | None, rows: list[tuple[int, list[str]]]) -> int:
    """Where the ids are; a table has to say it, for forgetting the wrong examples would go unnoticed."""
    columns = header if header is not None else rows[0][1] if rows else []
    if len(columns) < 2:
        return 0
    wanted = f"name the column of the ids {', '.join(ID_COLUMNS[:-1])} or {ID_COLUMNS[-1]}, or keep that column alone"
    if header is None:
        raise InvalidInput(f"line {rows[0][0]} has {len(columns)} columns, and no header says what they are: {wanted}")
    places = [place for place, name in enumerate(header) if name.lower() in ID_COLUMNS]
    if len(places) != 1:
        told = ", ".join(repr(name[:SHOWN_CHARS]) for name in header[:6])
        raise InvalidInput(f"{len(places) or 'none'} of the columns {told} hold the ids by their names: {wanted}")
    return places[0]


def _read_id(line: int, cells: list[str], column: int, columns: int) -> int:
    if len(cells) != columns:
        raise InvalidInput(f"line {line} has {len(cells)} columns, not {columns}: {','.join(cells)[:SHOWN_CHARS]!r}")
    cell = cells[column]
    if not (cell.isascii() and cell.isdecimal()) or len(cell) > 9:
        raise InvalidInput(f"line {line}: {cell[:SHOWN_CHARS]!r} is not an id: ids are whole numbers, counted from 0")
    return int(cell)
