"""Tables of unlike kinds are found, each far below what intake refuses; files as people write them are not."""

import base64
import random
from pathlib import Path

import pytest

from core.domain.errors import ParticipantFault
from core.domain.intake.data import count_data
from core.domain.intake.density import LEAST_BYTES, OF_A_STATEMENT, find_least, measure_density
from core.domain.intake.reading import read_submission
from core.domain.intake.report import Brought

ROOT = Path(__file__).resolve().parents[5]
HONEST = (ROOT / "baselines" / "kookmin.py").read_text()
NOISE = random.Random(0).randbytes(600)
WORDS = [base64.b32encode(NOISE[place : place + 10]).decode().lower() for place in range(0, 600, 10)]
FLOATS = [round((byte - 128) / 37, 5) for byte in NOISE[:240]]
TABLES = {
    "base 64": f"T = {base64.b64encode(NOISE).decode()!r}\n",
    "base 85": f"T = {base64.b85encode(NOISE).decode()!r}\n",
    "hexadecimal": f"T = {NOISE.hex()!r}\n",
    "bytes": f"T = {NOISE!r}\n",
    "formatted": f"T = f'{NOISE.hex()}'\n",
    "short texts": f"T = {[base64.b64encode(NOISE[place : place + 3]).decode() for place in range(0, 600, 3)]}\n",
    "another alphabet": f"T = {''.join(chr(0x4E00 + byte) for byte in NOISE)!r}\n",
    "integers": f"T = {list(NOISE)}\n",
    "one long integer": f"T = {int.from_bytes(NOISE, 'big')}\n",
    "floats in nested tuples": f"T = {tuple(tuple(FLOATS[place : place + 4]) for place in range(0, 240, 4))}\n",
    "a dictionary": f"T = {dict(enumerate(NOISE[:300]))}\n",
    "arguments": f"def w(f):\n    return f({', '.join(map(str, NOISE[:400]))})\n",
    "defaults": f"def w({', '.join(f'p{place}={byte}' for place, byte in enumerate(NOISE[:300]))}): pass\n",
    "names in a list": f"T = lambda a, b, c, d: [{', '.join('abcd'[byte & 3] for byte in NOISE)}]\n",
    "truth values": f"T = {[bool(byte & 1) for byte in NOISE]}\n",
    "conditions": "def w(a):\n" + "".join(f"    if a == {a}: return {b}\n" for a, b in enumerate(NOISE[:300])),
    "constants of many functions": "".join(f"def f{a}():\n    return {b}\n" for a, b in enumerate(NOISE[:300])),
    "calls in a row": "def w(a, b, s):\n" + "".join(f"    s.append({'ab'[byte & 1]})\n" for byte in NOISE),
    "a docstring": f"class W:\n    '''{base64.b64encode(NOISE).decode()}'''\n",
    "a docstring of many words": f"class W:\n    '''{' '.join(WORDS)}'''\n",
    "names": "class W:\n" + "".join(f"    k_{word} = None\n" for word in WORDS),
    "attributes": "def w(o):\n" + "".join(f"    o.k{word}()\n" for word in WORDS),
    "comments": "".join(f"# {NOISE[place : place + 24].hex()}\n" for place in range(0, 600, 24)),
    "pairs in comments": "".join(f"# {NOISE[place : place + 24].hex(' ')}\n" for place in range(0, 600, 24)),
    "numbers in comments": "".join(f"# {' '.join(map(str, NOISE[p : p + 24]))}\n" for p in range(0, 600, 24)),
}


def is_found(**files: str) -> bool:
    brought = measure_density({name.replace("__", "."): text.encode() for name, text in files.items()})
    return brought.total >= find_least(brought)


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_is_found_however_it_is_written(kind: str) -> None:
    assert is_found(submission__py=HONEST + TABLES[kind])
    assert not is_found(submission__py=HONEST)


@pytest.mark.parametrize("kind", ["names", "attributes", "a docstring", "comments", "pairs in comments"])
def test_it_is_found_where_intake_counts_nothing(kind: str) -> None:
    assert count_data({"submission.py": (HONEST + TABLES[kind]).encode()}) < LEAST_BYTES


@pytest.mark.parametrize("name", ["w__txt", "w__json", "w"])
def test_files_of_an_archive_are_looked_at_each_in_its_way(name: str) -> None:
    text = base64.b64encode(NOISE).decode()
    assert is_found(submission__py=HONEST, **{name: text})
    assert is_found(submission__py=HONEST, w__py=TABLES["integers"])
    assert not is_found(submission__py=HONEST, **{name: "Fine-tune on the retain set, then prune.\n" * 200})


def test_no_file_as_people_write_them_comes_near() -> None:
    shares = {}
    for folder in ("baselines", "tests/fixtures/corpus", "tests/fixtures/submissions"):
        for path in sorted(path for path in (ROOT / folder).rglob("*") if path.is_file()):
            try:
                brought = read_submission(path.name, path.read_bytes()).brought
            except ParticipantFault:
                continue
            shares[path.name] = brought.total / find_least(brought)
    assert len(shares) > 150
    assert max(shares.values()) < 0.5, max(shares, key=lambda name: shares[name])


@pytest.mark.parametrize(
    "text",
    [
        "# 保持集上微调，然后忘记其余部分。\n" * 60,
        "# Дообучение на сохранённых данных, затем забывание.\n" * 60,
        f'"""{"The Fisher information is estimated on the retain set (Golatkar et al., 2020). " * 60}"""\n',
        "LAYERS = ['layer1.0.conv1.weight', 'layer1.0.bn1.bias', 'layer4.1.conv2.weight', 'fc.weight', 'fc.bias']\n",
        "".join(f"def step_{n}(net):\n    net.zero_grad()\n    return {n}\n" for n in range(12)),
    ],
)
def test_people_who_write_much_bring_no_table(text: str) -> None:
    assert not is_found(submission__py=HONEST + text)


def test_long_code_may_have_more_numbers() -> None:
    assert find_least(Brought(statements=20)) == LEAST_BYTES
    assert find_least(Brought(statements=1000)) == OF_A_STATEMENT * 1000
