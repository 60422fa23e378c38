"""Bytes → Python text → tree, with the limits that keep a parser safe in front of strangers."""

import ast
import codecs
import re
import warnings

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.report import show
from core.domain.runtime import PYTHON

# 512 KiB of hostile source costs the parser 480 MB and 2 s; the largest published submission is under 100 KiB.
SOURCE_LIMIT_BYTES = 256 << 10  # of one upload, all its files together
DEPTH_LIMIT = 200  # of its tree; what people write stays below 40

KNOWN_BINARIES = {
    b"PK\x03\x04": "a zip archive (or a saved model)",
    b"\x80": "a pickle",
    b"\x1f\x8b": "a gzip archive",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\x1b[": "what a terminal showed",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
}
KNOWN_TEXTS = {  # in small letters, after blank lines
    b"version https://git-lfs": "a pointer of Git LFS to a file, not the file itself",
    b"<!doctype": "a page of the web; save the file itself",
    b"<html": "a page of the web; save the file itself",
    b"<?xml": "an XML file",
    b"{\\rtf": "a text of a word processor; save it as plain text",
}

CODING = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")  # as PEP 263 has it
BLANK = re.compile(r"[ \t\f]*(#.*)?$")
CODING_BYTES = 400
# Codecs of text that people save files in; others (rot13, unicode_escape, utf-7) would hide what is read.
TEXT_CODECS = ("iso8859", "latin", "cp1", "cp4", "cp8", "cp9", "euc", "shift_jis", "gb", "big5", "koi8", "mac")


def decode_text(content: bytes, name: str) -> str:
    """UTF-8 text without its byte order mark, or in the codec that its first lines name; else refused by its place."""
    first = content[:CODING_BYTES].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    found = [kind for start, kind in KNOWN_BINARIES.items() if content.startswith(start)]
    found += [kind for start, kind in KNOWN_TEXTS.items() if first.startswith(start)]
    if found:
        raise ParticipantFault(FaultCode.SYNTAX_ERROR, f"{show(name)} is not Python text: it looks like {found[0]}")
    if b"\0" in content:
        raise ParticipantFault(FaultCode.SYNTAX_ERROR, f"{show(name)} is not Python text: it holds null bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = _decode_as_declared(content)
        if text is not None:
            return text
        line = content.count(b"\n", 0, error.start) + 1
        raise ParticipantFault(
            FaultCode.SYNTAX_ERROR,
            f"{show(name)}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8",
        ) from None


def find_coding(text: str) -> re.Match[str] | None:
    """The declaration of PEP 263 where Python would heed it."""
    first, _, rest = text.replace("\r\n", "\n").replace("\r", "\n").partition("\n")
    if (found := CODING.match(first)) is not None:
        return found
    return CODING.match(rest.partition("\n")[0]) if BLANK.match(first) else None


def settle_coding(text: str) -> tuple[str, str]:
    """The text with a declaration that is true of its bytes in UTF-8, and the line that was replaced ("": none)."""
    found = find_coding(text)
    if found is None or _find_codec(found.group(1)) == "utf-8":
        return text, ""
    line = found.string
    return text.replace(line, line[: found.start(1)] + "utf-8" + line[found.end(1) :], 1), line


def _decode_as_declared(content: bytes) -> str | None:
    found = find_coding(content[:CODING_BYTES].decode("latin-1"))
    codec = _find_codec(found.group(1)) if found else None
    if codec is None or not codec.startswith(TEXT_CODECS):
        return None
    try:
        return content.decode(codec)
    except (UnicodeDecodeError, LookupError):
        return None


def _find_codec(name: str) -> str | None:
    try:
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        return None


def parse_python(text: str, name: str) -> ast.Module:
    """Parse and compile without running; the fault names the line."""
    return _parse(text, name, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def parse_as_it_runs(text: str, name: str) -> ast.Module:
    """As `parse_python`, by the rules of an import: nothing can be awaited at module level."""
    return _parse(text, name, flags=0)


def _parse(text: str, name: str, *, flags: int) -> ast.Module:
    check_source_size(len(text), name)
    try:
        tree = parse_quietly(text, flags=flags)
        _check_depth(tree)
        return tree
    except SyntaxError as error:
        place = f"line {error.lineno or 1}" + (f", column {error.offset}" if error.offset else "")
        said = _find_paste(text) or f"{show(str(error.msg))} (the server has Python {PYTHON})"
        message = f"{show(name)}, {place}: {said}"
        raise ParticipantFault(FaultCode.SYNTAX_ERROR, message) from None
    except (RecursionError, MemoryError):
        message = f"{show(name)} nests its expressions too deeply to be read"
        raise ParticipantFault(FaultCode.SYNTAX_ERROR, message) from None
    except ValueError as error:
        raise ParticipantFault(FaultCode.SYNTAX_ERROR, f"{show(name)}: {show(str(error))}") from None


def _find_paste(text: str) -> str:
    """What came along when the code was copied; empty for any other mistake."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if first.startswith("```"):
        return "the file begins with a fence of Markdown: take out the lines of ```"
    return (
        "the file begins with the prompt of a terminal: take out every >>> and ..." if first.startswith(">>>") else ""
    )


def parse_quietly(text: str, *, flags: int = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT) -> ast.Module:
    """`ast.parse` and a compilation, without the warnings that old escapes give."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
        compile(text, "submission.py", "exec", flags=flags, dont_inherit=True)
    return tree


def _check_depth(tree: ast.Module) -> None:
    """The same bound wherever it is read; how deep a recursion may go depends on who calls."""
    level: list[ast.AST] = [tree]
    for _ in range(DEPTH_LIMIT):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise RecursionError


def check_source_size(size: int, name: str) -> None:
    if size > SOURCE_LIMIT_BYTES:
        raise ParticipantFault(
            FaultCode.TOO_LARGE, f"{show(name)} has {size} characters of code, more than {SOURCE_LIMIT_BYTES}"
        )
