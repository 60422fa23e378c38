"""How much of a submission reads like a table: numbers, texts and names that no person wrote, statements in rows.

`data.count_data` bounds what could be read out of a file, and refuses; this guesses what somebody put there, below that
bound and where it does not look (names, comments, the shape of code), and accuses nobody.
"""

import ast
import io
import math
import re
import tokenize
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from itertools import groupby, pairwise
from pathlib import PurePosixPath

from core.domain.intake.data import FLOAT_BYTES, weigh_constant
from core.domain.intake.python_text import parse_quietly
from core.domain.intake.report import Brought

LEAST_BYTES = 256  # of a table that a person should look at: two bytes for each of 128 examples
OF_A_STATEMENT = 2  # bytes, where all statements give more: long files have more numbers
ODD_BITS = 5.2  # a letter, by pairs of letters in what people write: words have 4, random letters 6 and more
SHORT = 5  # letters of a run that says nothing by itself
LONG = 16  # signs between spaces that are no word, nor a name of parts that are
RESIDUE = 32  # bytes, compressed, of the signs of a text that are no letters
ROW = 24  # statements of one shape after each other that people write
LETTER_BYTES, DIGIT_BYTES = 0.75, math.log2(10) / 8
PAIR_LETTERS = 26
RUN = re.compile(r"[^\W_]+")
DIGITS = re.compile(r"\d{5,}")
PLAIN_WORDS = """
about above accuracy across active actual adam adapt add after again against alpha also always anchor and any append
apply approach are argument around array as assign at attention average back backward balance base batch because
before begin below best beta between bias both bound bucket budget but by calculate call can candidate cat centre
chance change channel check choose class clamp classifier clean clear clip clone close code coefficient collect column
combine compare compute confidence config consider constant contain continue convolution copy correct cosine cost
count covariance create criterion cross current curve damp data dataset decay decide deep default define delta dense
depth detach device diagonal dict difference dim direction disable discard distance distill distribution divergence
divide does done double down draw drop dropout dtype during each easy edge effect either element else embed empty
enable encode end ensure entropy epoch epsilon equal error estimate evaluate even every example except expand expect
extra factor false feature few file filter final find fine finetune first fisher fit fix flat flatten float for force
forget form forward freeze from full function further gamma gather general generator get given global gradient group
grow half handle hard have head height help here hessian hidden high hold hook how hyper identity image implement
import in index influence inner input inside instead into inverse is item iterate its jump just keep kernel key know
label lambda large last later layer leaf learn least leave length less let level likelihood limit linear list load
loader local log logit long loop loss low lower make many map margin mask match matrix maximum mean measure median
memory merge method might minimum mix mode model module momentum more most move much multiply must name near need
negative network neuron never new next no node noise none norm normal normalize not note nothing now number object of
off on once one only open operator optimizer option or order original other our out outer output over own pair
parameter part pass patience penalty per perform permute perturb phase pixel place point pool positive power precision
predict prepare preserve previous prior prob probability process product project proportion prune pull push put
quantile quick raise random range rank rate ratio reach read real recall reduce regular relative remain remember
remove repair repeat replace report requires reset residual restore result retain retrain return reverse right round
row run same sample save scale schedule scheduler score scratch second seed select self separate sequence set several
shape share sharp shift short should shuffle side sigma sign similar simple since single size skip slow small smooth
soft softmax some sort source space spare sparse split square stable stack stage standard start state statistic step
still stochastic stop store strength string strong student style subset such sum super support sure switch table take
target task teacher temperature tensor term test than that the their them then there these they third this those three
threshold through time to top total train transform true try tune turn two type under uniform unit unlearn until up
update upper use used utility val valid validation value variance vector version very vision want warm was way we
weight well were what when where which while whole width will with within without work would write yield you zero
"""


def find_least(brought: Brought) -> int:
    """From how many bytes on a person should look."""
    return max(LEAST_BYTES, OF_A_STATEMENT * brought.statements)


def measure_density(files: Mapping[str, bytes]) -> Brought:
    """Of files that parse."""
    parts = [_measure(path, content) for path, content in files.items()]
    return Brought(*(sum(column) for column in zip(*map(astuple, parts), strict=True)))


def _measure(path: str, content: bytes) -> Brought:
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    if PurePosixPath(path).suffix.lower() != ".py":
        return Brought(files=_weigh_literals([content]))
    tree = parse_quietly(text)
    nodes = list(ast.walk(tree))
    constants = [node for node in nodes if isinstance(node, ast.Constant)]
    spoken = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    words = [str(node.value) for node in constants if id(node) in spoken] + _list_comments(text)
    silent = [node.value for node in constants if id(node) not in spoken]
    names = " ".join({name for node in nodes for name in _iter_names(node)})
    return Brought(
        numbers=sum(map(_weigh_number, silent)),
        texts=_weigh_literals(silent),
        names=_weigh_runs(names),
        comments=_weigh_text("\n".join(words).encode("ascii", "ignore").decode()),  # many write in other letters
        rows=sum(map(_count_rows, nodes)),
        statements=len({_find_shape(node) for node in nodes if isinstance(node, ast.stmt)}),
    )


def _weigh_number(value: object) -> int:
    if isinstance(value, float | complex):
        return min(FLOAT_BYTES, len(repr(value)) // 2)
    return weigh_constant(value) if type(value) is int else 0


def _weigh_literals(values: Sequence[object]) -> int:
    """Texts that a program reads, not a person: their signs count too, and short ones count together."""
    texts = [value.decode("latin-1") if isinstance(value, bytes) else value for value in values]
    found = [value for value in texts if isinstance(value, str)]
    signs = (len(zlib.compress(RUN.sub("", text).encode("utf-8", "surrogatepass"))) for text in found)
    return _weigh_text("\n".join(found)) + sum(max(0, weight - RESIDUE) for weight in signs)


def _weigh_text(text: str) -> int:
    """Bytes in runs that are no words, in chunks and rows of short ones, and in long numbers."""
    chunks = [chunk for chunk in text.split() if len(chunk) >= LONG]
    runs = [[run for run in RUN.findall(chunk) if len(run) < SHORT] for chunk in chunks]
    inside = sum(sum(map(len, short)) for short, chunk in zip(runs, chunks, strict=True) if len(short) > len(chunk) / 5)
    digits = sum(map(len, DIGITS.findall(text))) * DIGIT_BYTES
    return round(max(_weigh_runs(text), LETTER_BYTES * inside) + digits)


def _weigh_runs(text: str) -> int:
    odd, short, letters = 0, 0, 0
    for run in RUN.findall(text):
        letters += len(run)
        is_odd = _count_bits(run) > ODD_BITS * len(run)
        if len(run) < SHORT:
            short += len(run) if is_odd or run.isdigit() else 0
        elif is_odd and not run.isdigit():
            odd += len(run)
    is_row = short > LONG * SHORT and short > letters / 2
    return round(LETTER_BYTES * (odd + (short if is_row else 0)))


def _count_bits(run: str) -> float:
    """What pairs of letters as people write them would need for it; a change of case or to digits is dear."""
    bits = 0.0
    for before, after in pairwise(f" {run}"):
        if after.isdigit():
            bits += math.log2(10) + (0 if before.isdigit() else 3)
            continue
        if before.isdigit() or (before.islower() and after.isupper()):
            bits += 3
        first, second = before.lower() if before.isalpha() else " ", after.lower()
        bits += _BITS.get(first + second, _RARE)
    return bits


def _learn(words: Iterable[str]) -> tuple[dict[str, float], float]:
    pairs = Counter(first + second for word in words for first, second in pairwise(f" {word}"))
    heads = Counter[str]()
    for pair, count in pairs.items():
        heads[pair[0]] += count
    half = 0.5  # as if every pair had been seen half a time more
    bits = {pair: -math.log2((n + half) / (heads[pair[0]] + half * PAIR_LETTERS)) for pair, n in pairs.items()}
    return bits, -math.log2(half / (sum(heads.values()) / len(heads) + half * PAIR_LETTERS))


_BITS, _RARE = _learn(PLAIN_WORDS.split())


def _iter_names(node: ast.AST) -> Iterator[str]:
    for field in ("id", "name", "arg", "attr", "asname"):
        value = getattr(node, field, None)
        if isinstance(value, str):
            yield value


def _count_rows(node: ast.AST) -> int:
    """Statements of a block, or parts of a display, that repeat the shape of the one before more than people do."""
    found = 0
    for field in ("body", "elts", "values", "orelse"):
        block = getattr(node, field, None)
        if isinstance(block, list):
            rows = (len(list(row)) for _, row in groupby(block, _find_shape))
            found += sum(length - ROW for length in rows if length > ROW)
    return found


def _find_shape(node: ast.AST) -> str:
    return " ".join(type(each).__name__ for each in ast.walk(node))


def _list_comments(text: str) -> list[str]:
    try:
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        return [token.string for token in tokens if token.type == tokenize.COMMENT]
    except (tokenize.TokenError, SyntaxError):
        return [text]
