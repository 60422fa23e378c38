import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.staff import data_sets
from core.domain.data_sets import DataFormat
from tests.unit.cli.fakes import FakeServer

Run = Callable[..., Any]
SUMMARY = {
    "train": 24, "test": 0, "shape": [1, 6, 6], "dtype": "uint8", "bytes": 999, "samples": [],
    "classes": [{"name": "cat", "train": 12, "test": 0}, {"name": "dog", "train": 12, "test": 0}],
}  # fmt: skip


def make_version(status: str = "ready", **changes: Any) -> dict[str, Any]:
    digest = "ab12" * 16 if status == "ready" else None
    return {
        "name": "faces", "number": 1, "reference": f"faces@{digest or 1}", "status": status, "reason": "", "note": "",
        "format": "npz", "digest": digest, "summary": SUMMARY if status == "ready" else None,
        "waiting": None,
    } | changes  # fmt: skip


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_sets, "POLL_SECONDS", 0.0)


def test_an_upload_waits_until_it_was_read(run: Run, server: FakeServer, tmp_path: Path) -> None:
    path = tmp_path / "faces.npz"
    path.write_bytes(b"bytes")
    server.on("POST", "/admin/data-sets/faces/versions", make_version("uploaded"))
    server.on("GET", "/admin/data-sets/faces/versions/1", make_version("validating"), make_version())
    result = run("admin", "data-set", "upload", "faces", path)
    assert 'set = "faces@ab12' in result.output
    sent = next(request for request in server.requests if request.method == "POST")
    assert (sent.content, sent.url.params["format"]) == (b"bytes", "npz")


def test_a_refused_upload_says_why_and_fails(run: Run, server: FakeServer, tmp_path: Path) -> None:
    path = tmp_path / "faces.npz"
    path.write_bytes(b"bytes")
    server.on("POST", "/admin/data-sets/faces/versions", make_version("refused", reason="it holds NaN"))
    result = run("admin", "data-set", "upload", "faces", path)
    assert (result.exit_code, "it holds NaN" in result.output) == (2, True)


def test_an_idx_pair_goes_as_one_zip(tmp_path: Path) -> None:
    paths = [tmp_path / "images-idx3", tmp_path / "labels-idx1"]
    for path in paths:
        path.write_bytes(path.name.encode())
    with zipfile.ZipFile(io.BytesIO(data_sets.pack(paths))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {p.name: p.name.encode() for p in paths}
    assert data_sets.pack(paths) == data_sets.pack(paths)


@pytest.mark.parametrize(
    ("names", "format"),
    [(["a.npz"], DataFormat.NPZ), (["a.zip"], DataFormat.IMAGES), (["a", "b"], DataFormat.IDX)],
)
def test_the_format_is_guessed_from_the_name(names: list[str], format: DataFormat) -> None:
    assert data_sets.guess_format([Path(name) for name in names]) is format


def test_a_file_of_another_kind_needs_a_format(run: Run, server: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1")
    assert "say with --format" in run("admin", "data-set", "upload", "faces", tmp_path / "a.csv").output


def test_a_set_of_the_server_is_registered_by_name(run: Run, server: FakeServer) -> None:
    server.on("POST", "/admin/data-sets/faces/versions", make_version())
    assert "class 0 cat: 12" in run("admin", "data-set", "register", "faces", "digits").output


def test_versions_are_listed_and_shown(run: Run, server: FakeServer) -> None:
    server.on("GET", "/admin/data-sets", {"items": [{"name": "faces", "versions": [make_version()]}]})
    assert "faces@1" in run("admin", "data-set", "list").output
    assert "24 training" in run("admin", "data-set", "show", "faces@ab12ab12").output
    assert run("admin", "data-set", "show", "faces@ffffffff").exit_code == 1


def make_revocation(**changes: Any) -> dict[str, Any]:
    spec = {"digest": "f" * 64, "evaluations": 5, "scored": 4, "competitions": [{"slug": "faces", "state": "open"}]}
    pools = [{"kind": "retrained", "size": 24, "state": "sealed"}]
    problem = {"slug": "faces", "digest": "e" * 64, "pools": pools, "specs": [spec]}
    lineage = {"reference": "faces@1", "problems": [problem]}
    consequence = "1 problems and 1 competitions take no new work."
    running = [{"evaluation_id": "e1", "competition": "faces", "by": "eve", "filename": "a.py", "status": "queued"}]
    found = {"applied": True, "version": make_version(), "lineage": lineage, "consequence": consequence}
    return found | {"running": running, "stopped": 1} | changes


@pytest.mark.parametrize(("options", "text"), [(("--dry-run",), None), ((), "n\n")])
def test_lineage_is_shown_before_anything_is_revoked(
    run: Run, server: FakeServer, options: tuple[str, ...], text: str | None
) -> None:
    server.on("GET", "/admin/data-sets/faces/versions/1", make_version())
    server.on("POST", "/admin/data-sets/faces/versions/1/revoke", make_revocation())
    output = run("admin", "data-set", "revoke", "faces@1", "--because", "objected", *options, text=text).output
    assert "5 evaluations, 4 scored" in output
    assert "nothing was changed" in output
    assert [request.url.params["dry_run"] for request in server.requests if request.method == "POST"] == ["true"]


def test_a_version_is_revoked_after_a_yes(run: Run, server: FakeServer) -> None:
    server.on("GET", "/admin/data-sets/faces/versions/1", make_version())
    server.on("POST", "/admin/data-sets/faces/versions/1/revoke", make_revocation())
    output = run("admin", "data-set", "revoke", "faces@1", "--because", "objected", text="y\n").output
    assert "faces@1 is revoked" in output


def test_what_runs_is_stopped_when_it_is_asked_for(run: Run, server: FakeServer) -> None:
    server.on("GET", "/admin/data-sets/faces/versions/1", make_version())
    server.on("POST", "/admin/data-sets/faces/versions/1/revoke", make_revocation())
    options = ("--because", "objected", "--stop-running", "--yes")
    output = run("admin", "data-set", "revoke", "faces@1", *options).output
    assert "running e1 in faces: a.py by eve" in output
    assert "1 evaluations were cancelled" in output
    asked = [request.url.params["stop_running"] for request in server.requests if request.method == "POST"]
    assert asked == ["true", "true"]
