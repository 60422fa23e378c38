"""What passes between whoever has an upload and the process that reads it: frames of bytes, answers as JSON."""

import base64
import json
import struct
from dataclasses import asdict, fields
from typing import Any, BinaryIO

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.report import Brought, Note, Origin, SubmissionFiles

_LENGTH = struct.Struct(">Q")
NOTES = ("kept", "left_out", "changed")


class Unreadable(ValueError):
    """What came back is no answer."""


def send(stream: BinaryIO, *parts: bytes) -> None:
    for part in parts:
        stream.write(_LENGTH.pack(len(part)))
        stream.write(part)
    stream.flush()


def receive(stream: BinaryIO, *, most: int) -> bytes | None:
    """One part; None when the other side is gone. Raises Unreadable where it promises more than `most`."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > most:
        raise Unreadable(f"{length} bytes were promised; at most {most} are taken")
    part = stream.read(length)
    return part if len(part) == length else None


def pack_files(read: SubmissionFiles) -> bytes:
    files = {path: base64.b64encode(content).decode() for path, content in read.files.items()}
    notes = {name: [asdict(note) for note in getattr(read, name)] for name in NOTES}
    return json.dumps(
        {"files": files, "origin": read.origin, "warnings": read.warnings, "data_bytes": read.data_bytes, **notes}
        | {"batch_form": read.batch_form, "batch_source": read.batch_source, "brought": asdict(read.brought)}
        | {"input_source": read.input_source, "must_have_input": read.must_have_input}
    ).encode()


def pack_fault(fault: ParticipantFault) -> bytes:
    read = json.loads(pack_files(fault.read)) if fault.read is not None else None
    return json.dumps({"code": fault.code, "message": fault.message, "fix": fault.fix, "read": read}).encode()


def unpack(answer: bytes) -> SubmissionFiles:
    """Raises the ParticipantFault that the reader found, and Unreadable for what it cannot have written."""
    try:
        found = json.loads(answer)
        if "code" in found:
            read = _make_files(found["read"]) if found["read"] is not None else None
            message, fix = (_take_text(found[name]) for name in ("message", "fix"))
            fault = ParticipantFault(FaultCode(found["code"]), message, fix=fix, read=read)
        else:
            return _make_files(found)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Unreadable(f"{type(error).__name__} in what the reader answered") from None
    raise fault


def _make_files(found: dict[str, Any]) -> SubmissionFiles:
    notes = {name: tuple(_make_note(note) for note in found[name]) for name in NOTES}
    return SubmissionFiles(
        files={_take_text(path): base64.b64decode(text, validate=True) for path, text in found["files"].items()},
        origin=Origin(found["origin"]),
        warnings=tuple(_take_text(line) for line in found["warnings"]),
        data_bytes=_take_count(found["data_bytes"]),
        brought=Brought(**{part.name: _take_count(found["brought"][part.name]) for part in fields(Brought)}),
        batch_form=_take_text(found["batch_form"]),
        batch_source=_take_text(found["batch_source"]),
        input_source=_take_text(found["input_source"]),
        must_have_input=found["must_have_input"] is True,
        **notes,
    )


def _make_note(found: dict[str, Any]) -> Note:
    return Note(*(_take_text(found[name]) for name in ("where", "source", "reason")))


def _take_count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("a count was expected")
    return value


def _take_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text was expected")
    return value
