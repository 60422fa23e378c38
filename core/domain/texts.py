"""Texts that people hand over as files: UTF-8, with or without a byte order mark; anything else is named."""

from core.domain.errors import InvalidInput

MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF",
}


def decode_text(content: bytes, name: str) -> str:
    """Raises InvalidInput with one line that says what the file is instead, and where it shows."""
    for mark, kind in MARKS.items():
        if content.startswith(mark):
            raise InvalidInput(f"{name} is {kind}, not UTF-8 text: save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = f"byte 0x{content[error.start]:02x} in line {line}"
        raise InvalidInput(f"{name} is not UTF-8 text ({byte}; Windows-1252?): save it as UTF-8") from None
    if "\0" in text:
        kind = "UTF-16 without its mark" if text.count("\0") * 3 > len(text) else "no text: it holds null bytes"
        raise InvalidInput(f"{name} is {kind}: save it as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")
