from pathlib import Path

from sandbox.digest import source_digest


def test_the_digest_names_the_code_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    first = source_digest(tmp_path)
    (tmp_path / "note.txt").write_text("not code")
    assert source_digest(tmp_path) == first
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert source_digest(tmp_path) != first
    (tmp_path / "b.py").rename(tmp_path / "a.py")
    (tmp_path / "a.py").write_text("x = 2\n")
    assert source_digest(tmp_path) != first
