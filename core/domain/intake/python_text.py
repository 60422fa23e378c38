"""Bytes → Python text → tree, with the limits that keep a parser safe in front of strangers."""

import ast
import warnings

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.report import show

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
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
}


def decode_text(content: bytes, name: str) -> str:
    """UTF-8 text without its byte order mark; anything else is refused with its place."""
    for start, kind in KNOWN_BINARIES.items():
        if content.startswith(start):
            raise ParticipantFault(FaultCode.SYNTAX_ERROR, f"{show(name)} is not Python text: it looks like {kind}")
    if b"\0" in content:
        raise ParticipantFault(FaultCode.SYNTAX_ERROR, f"{show(name)} is not Python text: it holds null bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ParticipantFault(
            FaultCode.SYNTAX_ERROR,
            f"{show(name)}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8",
        ) from None


def parse_python(text: str, name: str) -> ast.Module:
    """Parse and compile without running; the fault names the line."""
    check_source_size(len(text), name)
    try:
        tree = parse_quietly(text)
        _check_depth(tree)
        return tree
    except SyntaxError as error:
        message = f"{show(name)}, line {error.lineno or 1}: {show(str(error.msg))}"
        raise ParticipantFault(FaultCode.SYNTAX_ERROR, message) from None
    except (RecursionError, MemoryError):
        message = f"{show(name)} nests its expressions too deeply to be read"
        raise ParticipantFault(FaultCode.SYNTAX_ERROR, message) from None
    except ValueError as error:
        raise ParticipantFault(FaultCode.SYNTAX_ERROR, f"{show(name)}: {show(str(error))}") from None


def parse_quietly(text: str) -> ast.Module:
    """`ast.parse` and a compilation, without the warnings that old escapes give."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
        compile(text, "submission.py", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
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
