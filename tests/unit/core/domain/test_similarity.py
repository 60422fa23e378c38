"""Copies are found under other names; honest files and what everybody has are not."""

from pathlib import Path

import pytest

from core.domain.similarity import Code, find_pairs, make_prints

BASELINES = Path("baselines")
OF_ONE_METHOD = {("ugradsl", "ugradsl_plus"), ("pseudo_label", "transpose_pseudo_mix")}  # by the same authors
FINETUNE = (BASELINES / "finetune.py").read_text()


def make(owner: str, text: str, *, key: str = "", digest: str = "") -> Code:
    prints = frozenset(make_prints({"submission.py": text.encode()}))
    return Code(key or f"s-{owner}", owner, digest or f"digest of {owner}", prints)


def rename(text: str) -> str:
    """As a copyist would: other names, comments, blank lines, numbers."""
    changed = text
    for old, new in (
        ("loader", "batches"),
        ("optimizer", "opt"),
        ("net", "model"),
        ("loss", "penalty"),
        ("epoch", "turn"),
    ):
        changed = changed.replace(old, new)
    return "# all my own work\n" + changed.replace("\n\n", "\n\n\n").replace("0.01", "0.02")


def test_a_renamed_copy_is_found_and_says_who_was_first() -> None:
    text = (BASELINES / "vision_confusion.py").read_text()
    (pair,) = find_pairs([make("ann", text), make("bob", rename(text))])
    assert (pair.earlier, pair.later, pair.is_same_file) == ("s-ann", "s-bob", False)
    assert pair.share > 0.9


def test_the_same_file_is_found_however_short() -> None:
    short = "def unlearning(net, a, b, c):\n    return net\n"
    (pair,) = find_pairs([make("ann", short, digest="d"), make("bob", short, digest="d")])
    assert (pair.share, pair.is_same_file) == (1.0, True)


def test_honest_methods_are_not_alike() -> None:
    files = sorted(path for path in BASELINES.glob("*.py") if path.name != "__init__.py")
    codes = [make(path.stem, path.read_text()) for path in files]
    assert len(codes) > 30
    found = {frozenset((pair.earlier[2:], pair.later[2:])) for pair in find_pairs(codes)}
    assert found == {frozenset(pair) for pair in OF_ONE_METHOD}


def test_ones_own_versions_and_what_everybody_has_do_not_count() -> None:
    mine = make("ann", FINETUNE)
    assert find_pairs([mine, make("ann", rename(FINETUNE), key="second")]) == []
    assert find_pairs([mine, make("bob", FINETUNE)], known=mine.prints) == []
    starter = [make("ann", FINETUNE, digest="d"), make("bob", FINETUNE, digest="d")]
    assert find_pairs(starter, known_files={"d"}) == []


def test_a_copy_of_an_earlier_version_is_found() -> None:
    text = (BASELINES / "vision_confusion.py").read_text()
    codes = [make("ann", text, key="old", digest="1"), make("ann", FINETUNE, key="new"), make("bob", rename(text))]
    assert [(pair.earlier, pair.later) for pair in find_pairs(codes)] == [("old", "s-bob")]


@pytest.mark.parametrize("text", ["'" * 60_000, '"""' + "x" * 60_000, "#" * 60_000, "a" * 100_000, ""])
def test_hostile_text_is_read_in_no_time(text: str) -> None:
    assert len(make_prints({"submission.py": text.encode()})) <= 4000
