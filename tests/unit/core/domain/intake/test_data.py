import base64
import random
from pathlib import Path

import pytest

from core.domain.errors import ParticipantFault
from core.domain.exposure import Exposure
from core.domain.faults import FaultCode
from core.domain.intake.data import WORDS_BYTES, check_data, check_programs, count_data
from core.domain.intake.reading import read_submission
from core.problem_files import find_problem, list_problems

ROOT = Path(__file__).resolve().parents[5]
ENTRY = "def unlearning(net, retain, forget, val):\n    return net\n"
NOISE = random.Random(0).randbytes(24_000)


def count(source: str, **others: bytes) -> int:
    return count_data(
        {"submission.py": source.encode(), **{name.replace("_", "."): text for name, text in others.items()}}
    )


@pytest.mark.parametrize(
    "source",
    [
        f"TABLE = {base64.b85encode(NOISE[:10_000])!r}\n",
        f"TABLE = {base64.b64encode(NOISE[:10_000]).decode()!r}\n",
        f"TABLE = {NOISE[:10_000].hex()!r}\n",
        f"TABLE = {list(NOISE[:10_000])}\n",
        f"TABLE = {[byte - 128 for byte in NOISE[:10_000]]}\n",
        f"TABLE = {hex(int.from_bytes(NOISE[:10_000], 'big'))}\n",
        f"TABLE = {[byte / 7 for byte in NOISE[:2_000]]}\n",
        "TABLE = {" + ", ".join(f"{place}: {byte}" for place, byte in enumerate(NOISE[:5_000])) + "}\n",
        "TABLE = [" + ", ".join("abcd"[byte & 3] for byte in NOISE[:10_000]) + "]\n",
        f"TABLE = f'{NOISE[:10_000].hex()}'\n",
        "def f(a):\n" + "".join(f"    if a == {place}: return {byte}\n" for place, byte in enumerate(NOISE[:5_000])),
        "def f():\n    '''" + base64.b64encode(NOISE).decode() + "'''\n",
        "\n".join(f"# {NOISE[place : place + 60].hex()}" for place in range(0, len(NOISE), 60)) + "\n",
    ],
)
def test_ten_thousand_bytes_are_counted_however_they_are_written(source: str) -> None:
    assert count(ENTRY + source) >= 9_500


def test_files_that_are_no_code_count_in_full() -> None:
    assert count(ENTRY, weights_txt=b"x" * 5_000, readme_md=b"y" * 500) == 5_500


def test_code_comments_and_docstrings_of_people_do_not_count() -> None:
    words = "Fine-tune on the retain set, then perturb what is left of the forget set.\n"
    source = f'"""{words * 40}"""\n' + ENTRY + "".join(f"# {number}: {words}" for number in range(200))
    assert len(source) > 2 * WORDS_BYTES
    assert count(source) == 0


def test_no_baseline_comes_near_the_limit_of_its_problem() -> None:
    limit = find_problem("digits").evaluation.data_bytes
    for path in (ROOT / "baselines").glob("*.py"):
        if path.name != "__init__.py":
            assert read_submission(path.name, path.read_bytes()).data_bytes < limit / 4, path.name


def test_every_problem_allows_well_below_one_model() -> None:
    """The smallest networks allow the least there is, 256 bytes, and are for practice alone where that is more."""
    small = {"digits": 9_610, "digits-logistic": 650, "diabetes": 769, "diabetes-ridge": 11, "wordnet": 130_762}
    parameters = small | {"fashion-mnist": 52_138}
    for spec in list_problems():
        bound = parameters.get(spec.slug, 11_000_000) / 4
        assert spec.evaluation.data_bytes <= max(bound, 256), spec.slug
        assert spec.evaluation.data_bytes <= bound or spec.exposure is Exposure.PRACTICE, spec.slug


def test_too_much_is_refused_with_both_numbers() -> None:
    check_data(2048, 2048)
    with pytest.raises(ParticipantFault, match=r"2049 bytes of data .* more than 2048") as caught:
        check_data(2049, 2048)
    assert caught.value.code is FaultCode.TOO_LARGE


@pytest.mark.parametrize(
    "literal", [b"'f0VMRgIBAQAAAA=='", rb"b'\x7fELF\x02\x01'", b"'7f454c460201'", b"'''\x7fELF'''"]
)
def test_a_compiled_program_in_a_text_is_refused(literal: bytes) -> None:
    with pytest.raises(ParticipantFault, match="compiled program") as caught:
        check_programs({"submission.py": b"CODE = " + literal})
    assert caught.value.code is FaultCode.FORBIDDEN_FILE


def test_a_reading_says_how_much_it_brings() -> None:
    assert read_submission("a.py", (ENTRY + "NAME = 'abcde'\n").encode()).data_bytes == 5
