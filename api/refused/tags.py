"""The tags of a page, with the places where they stand in its text."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Tag:
    name: str
    attributes: Mapping[str, str | None]  # None: it stands there without a value
    start: int
    end: int
    is_end: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """What stands from start to end becomes text."""

    start: int
    end: int
    text: str


def read_tags(page: str) -> Sequence[Tag]:
    reader = _Reader(page)
    reader.feed(page)
    reader.close()
    return reader.tags


def find_end(tags: Sequence[Tag], index: int) -> int:
    """The index of the tag that ends this one; the last of the page if none does."""
    depth = 0
    for place in range(index, len(tags)):
        if tags[place].name == tags[index].name:
            depth += -1 if tags[place].is_end else 1
        if not depth:
            return place
    return len(tags) - 1


def iter_around(tags: Sequence[Tag], index: int, name: str) -> Iterator[int]:
    """The elements of a name that hold this tag, from the outermost."""
    return (
        place
        for place in range(index)
        if tags[place].name == name and not tags[place].is_end and find_end(tags, place) > index
    )


def write_tag(tag: Tag, **changes: str | bool) -> str:
    """With other attributes: True stands without a value, what is false goes."""
    attributes = {name: True if value is None else value for name, value in tag.attributes.items()} | changes
    written = [
        f" {name}" if value is True else f' {name}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not False
    ]
    return f"<{tag.name}{''.join(written)}>"


def apply_edits(page: str, edits: Iterable[Edit]) -> str:
    pieces, done = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        pieces += [page[done : edit.start], edit.text]
        done = edit.end
    return "".join([*pieces, page[done:]])


class _Reader(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[Tag] = []
        self._page = page
        self._lines = [0, *accumulate(len(line) for line in page.split("\n"))]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        start = self._find_place()
        self.tags.append(Tag(tag, dict(attrs), start, start + len(self.get_starttag_text() or "")))

    def handle_endtag(self, tag: str) -> None:
        start = self._find_place()
        self.tags.append(Tag(tag, {}, start, self._page.index(">", start) + 1, is_end=True))

    def _find_place(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + line - 1 + column
