"""How much a submission brings along that is not a method: literals, files that are not code, dense text in comments.

What a method knows must come from the loaders. A table or weights made elsewhere would score without unlearning.
"""

import ast
import io
import tokenize
import zlib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.python_text import parse_quietly
from core.domain.intake.report import show

DEFAULT_DATA_BYTES = 64 << 10
WORDS_BYTES = 8 << 10  # compressed, of comments and docstrings: what the longest published file has, twice
FLOAT_BYTES = 8
PROGRAM_MARKS = (b"\x7fELF", rb"\x7fELF", b"f0VMR", b"7f454c46", b"7F454C46")  # raw, escaped, in base 64, in hex


def count_data(files: Mapping[str, bytes]) -> int:
    """Bytes of data in files that parse: an upper bound of what can be read out of them, code itself aside."""
    total, words = 0, []
    for path, content in files.items():
        if PurePosixPath(path).suffix.lower() != ".py":
            total += len(content)
            continue
        text = content.decode("utf-8", "replace").removeprefix("\ufeff")
        tree = parse_quietly(text)
        spoken = {id(node) for node in _iter_spoken(tree)}
        total += sum(_weigh(node) for node in ast.walk(tree) if id(node) not in spoken)
        words += [node.value for node in _iter_spoken(tree) if isinstance(node.value, str)]
        words += _list_comments(text)
    dense = len(zlib.compress("\n".join(words).encode("utf-8", "replace")))
    return total + max(0, dense - WORDS_BYTES)


def check_data(data_bytes: int, limit: int) -> None:
    """Raise the fault of a submission that brings more than it may."""
    if data_bytes > limit:
        raise ParticipantFault(
            FaultCode.TOO_LARGE,
            f"it brings {data_bytes} bytes of data (texts, numbers, files that are no code), more than {limit}:"
            " what a method knows must come from the loaders",
        )


def check_programs(files: Mapping[str, bytes]) -> None:
    """Raise the fault of compiled code that travels as data; the sandbox would not run it either."""
    for path, content in files.items():
        if any(mark in content for mark in PROGRAM_MARKS):
            raise ParticipantFault(FaultCode.FORBIDDEN_FILE, f"{show(path)} holds a compiled program or library")


def _iter_spoken(tree: ast.AST) -> Iterator[ast.Constant]:
    """Texts that stand alone, docstrings among them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def _weigh(node: ast.AST) -> int:
    """What a literal can tell, in bytes; names in a display tell which of them it is."""
    if isinstance(node, ast.Constant):
        return weigh_constant(node.value)
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return sum(not isinstance(part, ast.Constant) for part in node.elts)
    if isinstance(node, ast.Dict):
        return sum(not isinstance(part, ast.Constant) for part in (*node.keys, *node.values))
    return 0


def weigh_constant(value: object) -> int:
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return FLOAT_BYTES if isinstance(value, float | complex) else 1
    return max(1, (value.bit_length() + 7) // 8)


def _list_comments(text: str) -> list[str]:
    try:
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        return [token.string for token in tokens if token.type == tokenize.COMMENT]
    except (tokenize.TokenError, SyntaxError):
        return [text]  # what parses and cannot be cut is weighed whole
