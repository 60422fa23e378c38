"""What may be uploaded to be unlearned, how a version of it is named, and what becomes of an upload."""

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
    """Read the first column of a CSV file: the places of the examples to forget; a first line of words is skipped."""
    lines = [line.split(",", 1)[0].strip().strip('"') for line in text.removeprefix("\ufeff").splitlines()]
    if lines and not lines[0].isdecimal():
        lines = lines[1:]
    lines = [line for line in lines if line]
    if not lines:
        raise InvalidInput("the file holds no ids: write one number a line, counted from 0")
    if len(lines) > MOST_IDS:
        raise InvalidInput(f"the file holds {len(lines):,} ids; at most {MOST_IDS:,} are read")
    for line in lines:
        if not (line.isascii() and line.isdecimal()) or len(line) > 9:
            raise InvalidInput(f"{line[:SHOWN_CHARS]!r} is not an id: ids are whole numbers, counted from 0")
    ids = [int(line) for line in lines]
    if len(set(ids)) != len(ids):
        raise InvalidInput("the file names an example twice")
    return ids
