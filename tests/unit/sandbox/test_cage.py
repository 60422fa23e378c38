import os
from pathlib import Path

from sandbox.cage import choose_uid, wipe


def test_wiping_removes_closed_linked_and_odd_entries_but_not_what_links_lead_to(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    folder = tmp_path / "scratch"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").write_text("x")
    os.symlink(outside, folder / "link")
    os.symlink(outside, folder / "a" / "link")
    os.mkfifo(folder / "a" / "pipe")
    os.link(outside / "kept", folder / "a" / "hard")
    (folder / "a" / "b").chmod(0)
    assert wipe([folder, tmp_path / "absent"], uid=None)
    assert list(folder.iterdir()) == []
    assert (outside / "kept").read_text() == "x"


def test_wiping_is_not_stopped_by_depth(tmp_path: Path) -> None:
    top = tmp_path / "scratch"
    top.mkdir()
    here = os.open(top, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    assert wipe([top], uid=None)


def test_a_parent_that_is_not_alone_gives_no_users_away() -> None:
    assert choose_uid(alone=False) is None
