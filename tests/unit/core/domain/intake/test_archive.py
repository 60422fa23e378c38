import contextlib
import io
import stat
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.reading import read_submission
from core.domain.intake.report import ENTRY_FILE, Origin

ENTRY = b"from tools import make\n\n\ndef unlearning(net, r, f, v):\n    return make(net)\n"
TOOLS = b"def make(net):\n    return net\n"


def pack(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def pack_entry(info: zipfile.ZipInfo, content: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(ENTRY_FILE, ENTRY)
        archive.writestr(info, content)
    return buffer.getvalue()


def refuse(content: bytes, limit_bytes: int = 5 << 20) -> ParticipantFault:
    with pytest.raises(ParticipantFault) as caught:
        read_submission("mine.zip", content, limit_bytes=limit_bytes)
    assert "\n" not in caught.value.message
    return caught.value


def test_an_archive_gives_all_its_files() -> None:
    files = {ENTRY_FILE: ENTRY, "tools.py": TOOLS, "deep/er/notes.md": b"# notes\n"}
    read = read_submission("mine.zip", pack(files))
    assert (dict(read.files), read.origin) == (files, Origin.ARCHIVE)


def test_litter_is_left_out_with_a_note() -> None:
    litter = {"__MACOSX/._submission.py": b"\x00\x05", ".DS_Store": b"\x00", "__pycache__/x.pyc": b"\x00"}
    read = read_submission("mine.zip", pack({ENTRY_FILE: ENTRY, "tools.py": TOOLS} | litter))
    assert set(read.files) == {ENTRY_FILE, "tools.py"}
    assert {note.where for note in read.left_out} == set(litter)


@pytest.mark.parametrize("name", ["../evil.py", "a/../../evil.py", "/etc/evil.py", "C:/evil.py", "..\\evil.py"])
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    info = zipfile.ZipInfo(ENTRY_FILE)
    info.filename = name
    assert refuse(pack_entry(info)).code is FaultCode.FORBIDDEN_FILE


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_links_and_devices_are_refused(kind: int) -> None:
    info = zipfile.ZipInfo("tools.py")
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    fault = refuse(pack_entry(info, b"/etc/passwd"))
    assert (fault.code, "tools.py" in fault.message) == (FaultCode.FORBIDDEN_FILE, True)


@pytest.mark.parametrize(
    "names", [("tools.py", "Tools.py"), ("tools.py", "./tools.py"), ("caf\u00e9.py", "cafe\u0301.py")]
)
def test_names_that_some_systems_take_for_one_are_refused(names: tuple[str, str]) -> None:
    fault = refuse(pack({ENTRY_FILE: ENTRY, names[0]: TOOLS, names[1]: TOOLS}))
    assert (fault.code, "twice" in fault.message) == (FaultCode.FORBIDDEN_FILE, True)


def test_a_file_used_as_a_folder_is_refused() -> None:
    assert "as a folder" in refuse(pack({ENTRY_FILE: ENTRY, "a.py": TOOLS, "a.py/b.py": TOOLS})).message


@pytest.mark.parametrize("name", ["model.pth", "lib.so", "data.npz", "inner.zip", "image.png"])
def test_files_that_are_not_text_are_refused_by_kind(name: str) -> None:
    fault = refuse(pack({ENTRY_FILE: ENTRY, name: b"x"}))
    assert (fault.code, name in fault.message) == (FaultCode.FORBIDDEN_FILE, True)


def test_a_binary_under_a_text_name_is_refused() -> None:
    assert refuse(pack({ENTRY_FILE: ENTRY, "weights.csv": b"1,\x00\x01"})).code is FaultCode.FORBIDDEN_FILE


def test_a_bomb_is_stopped_by_what_it_declares() -> None:
    fault = refuse(pack({ENTRY_FILE: ENTRY, "zeros.txt": b"0" * (200 << 20)}))
    assert fault.code is FaultCode.TOO_LARGE


def test_a_bomb_within_the_limit_is_stopped_by_its_ratio() -> None:
    fault = refuse(pack({ENTRY_FILE: ENTRY, "zeros.txt": b"0" * (4 << 20)}))
    assert (fault.code, "times its packed size" in fault.message) == (FaultCode.ARCHIVE_INVALID, True)


def test_a_bomb_that_lies_about_its_size_is_stopped() -> None:
    content = pack({ENTRY_FILE: ENTRY, "zeros.txt": b"0" * (2 << 20)})
    fault = refuse(content.replace((2 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    assert fault.code is FaultCode.ARCHIVE_INVALID


def test_too_many_entries_are_refused() -> None:
    files = {f"f{number}.txt": b"" for number in range(500)}
    assert "more than 200 entries" in refuse(pack({ENTRY_FILE: ENTRY} | files)).message


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_without_a_bound_are_refused(method: int) -> None:
    assert "plain deflate" in refuse(pack({ENTRY_FILE: ENTRY}, method)).message


def test_an_encrypted_archive_is_refused() -> None:
    content = bytearray(pack({ENTRY_FILE: ENTRY}))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in refuse(bytes(content)).message


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"mine/submission.py": ENTRY, "mine/tools.py": TOOLS}, "inside the folder mine/"),
        ({"main.py": ENTRY}, "no submission.py at its root, only main.py"),
        ({}, "empty"),
    ],
)
def test_a_missing_entry_file_is_explained(files: dict[str, bytes], words: str) -> None:
    fault = refuse(pack(files))
    assert (fault.code, words in fault.message) == (FaultCode.ARCHIVE_INVALID, True)


def test_a_syntax_error_in_another_file_names_file_and_line() -> None:
    fault = refuse(pack({ENTRY_FILE: ENTRY, "tools.py": b"def make(net:\n"}))
    assert fault.code is FaultCode.SYNTAX_ERROR
    assert fault.message.startswith("tools.py, line 1")


def test_an_empty_entry_file_is_refused() -> None:
    assert refuse(pack({ENTRY_FILE: b"\n"})).code is FaultCode.ENTRYPOINT_MISSING


def test_text_that_is_no_archive_is_refused() -> None:
    assert refuse(b"def unlearning(net, r, f, v): ...").code is FaultCode.ARCHIVE_INVALID


@given(st.data())
def test_a_damaged_archive_never_ends_in_anything_but_a_fault(data: st.DataObject) -> None:
    content = bytearray(pack({ENTRY_FILE: ENTRY, "tools.py": TOOLS}))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ParticipantFault):
        assert ENTRY_FILE in read_submission("mine.zip", bytes(content)).files
