"""How alike two submissions are, whatever they call things and however they are laid out.

Fingerprints of normalised tokens by winnowing (Schleimer, Wilkerson and Aiken, SIGMOD 2003): comments go, names,
numbers and strings become one token each; keywords and what follows a dot, which is a library's, stay.
"""

import hashlib
import keyword
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

GRAM = 16  # tokens of one print: about two lines
WINDOW = 8  # of so many neighbouring prints one is kept, so no copied stretch of 23 tokens goes unseen
MOST_TOKENS = 50_000
MOST_PRINTS = 4000  # of one submission
FEWEST_PRINTS = 12  # below, two honest files are alike by chance
OF_ONE_OWNER = 5
MOST_OWNERS = 20
ALIKE = 0.8  # share of the smaller one's prints that the other one has
TOKEN = re.compile(
    r"""\#[^\n]*|(?P<string>\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')"""
    r"""|(?P<attribute>\.\s*[^\W\d]\w*)|(?P<name>[^\W\d]\w*)|(?P<number>\d[\w.]*)|(?P<sign>[^\s\w])"""
)


@dataclass(frozen=True, slots=True)
class Code:
    """The code of one submission, as it is compared."""

    submission_id: str
    owner: str  # team or account: one's own are never compared
    digest: str  # of the uploaded file
    prints: frozenset[int] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Pair:
    """earlier: who submitted first."""

    earlier: str
    later: str
    share: float  # 1 for the same file
    is_same_file: bool


def make_prints(sources: Mapping[str, bytes]) -> list[int]:
    """Of all files of Python, in the order of their names."""
    texts = (sources[name].decode("utf-8", "replace") for name in sorted(sources) if name.endswith(".py"))
    tokens = list(islice((token for text in texts for token in _iter_tokens(text)), MOST_TOKENS))
    grams = [_hash(tokens[place : place + GRAM]) for place in range(len(tokens) - GRAM + 1)]
    kept = {min(grams[place : place + WINDOW]) for place in range(max(len(grams) - WINDOW + 1, min(len(grams), 1)))}
    return sorted(kept)[:MOST_PRINTS]


def find_pairs(codes: Sequence[Code], known: Collection[int] = (), known_files: Collection[str] = ()) -> list[Pair]:
    """Of every two owners the most alike pair, the most alike first. codes: in the order of their submission.

    known: prints that everybody may have: of starter files and references.
    """
    chosen = _choose(codes)
    common = _find_common(chosen)
    own = [(code, code.prints.difference(known, common)) for code in chosen]
    holders: dict[int, list[int]] = {}
    best: dict[tuple[str, str], Pair] = {}
    for place, (code, prints) in enumerate(own):
        shared = Counter(other for each in prints for other in holders.get(each, ()))
        same = [other for other in range(place) if own[other][0].digest == code.digest]
        for other in {*shared, *same}:
            pair = _compare(own[other], (code, prints), shared[other], known_files)
            owners = tuple(sorted((own[other][0].owner, code.owner)))
            if pair and (owners not in best or pair.share > best[owners].share):
                best[owners[0], owners[1]] = pair
        for each in prints:
            holders.setdefault(each, []).append(place)
    return sorted(best.values(), key=lambda pair: -pair.share)


def _choose(codes: Sequence[Code]) -> list[Code]:
    """Of every owner the newest that differ."""
    kept: dict[str, list[Code]] = {}
    for code in codes:
        mine = [each for each in kept.get(code.owner, ()) if each.digest != code.digest and each.prints != code.prints]
        kept[code.owner] = [*mine, code][-OF_ONE_OWNER:]
    chosen = {each.submission_id for mine in kept.values() for each in mine}
    return [code for code in codes if code.submission_id in chosen]


def _find_common(codes: Iterable[Code]) -> set[int]:
    """What so many have is nobody's: a published recipe."""
    owners: dict[int, set[str]] = {}
    for code in codes:
        for each in code.prints:
            owners.setdefault(each, set()).add(code.owner)
    return {each for each, who in owners.items() if len(who) > MOST_OWNERS}


def _compare(
    first: tuple[Code, frozenset[int]], second: tuple[Code, frozenset[int]], shared: int, known_files: Collection[str]
) -> Pair | None:
    (a, a_prints), (b, b_prints) = first, second
    if a.owner == b.owner:
        return None
    if a.digest == b.digest:
        return None if a.digest in known_files else Pair(a.submission_id, b.submission_id, 1.0, is_same_file=True)
    fewest = min(len(a_prints), len(b_prints))
    if fewest < FEWEST_PRINTS or shared / fewest < ALIKE:
        return None
    return Pair(a.submission_id, b.submission_id, shared / fewest, is_same_file=False)


def _iter_tokens(text: str) -> Iterable[str]:
    for found in TOKEN.finditer(text):
        kind = found.lastgroup
        if kind == "name":
            yield found[0] if keyword.iskeyword(found[0]) else "v"
        elif kind == "attribute":
            yield "." + found[0][1:].strip()
        elif kind is not None:
            yield {"string": "s", "number": "0"}.get(kind, found[0])


def _hash(tokens: list[str]) -> int:
    """48 bits: whole numbers that JSON keeps."""
    return int.from_bytes(hashlib.blake2b("\0".join(tokens).encode(), digest_size=6).digest(), "big")
