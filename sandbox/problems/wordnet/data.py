"""WordNet's nouns: the gloss of each, and to which of 26 topics it belongs. Debian brings them as `wordnet-base`."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sandbox.problems.errors import DataDamaged, DataMissing
from sandbox.problems.raw import RawData

DEFAULT_FOLDER = Path("/usr/share/wordnet")
FILE = "data.noun"
HINT = "install the Debian package wordnet-base, or set the folder that has it"
TOPICS = [
    *("tops", "act", "animal", "artifact", "attribute", "body", "cognition", "communication", "event", "feeling"),
    *("food", "group", "location", "motive", "object", "person", "phenomenon", "plant", "possession", "process"),
    *("quantity", "relation", "shape", "state", "substance", "time"),
]
FIRST_TOPIC = 3  # of the file's own numbers
TEN = [4, 5, 6, 8, 10, 13, 15, 18, 20, 27]  # large and unlike each other
PADDING, UNKNOWN = "<padding>", "<unknown>"  # the tokens 0 and 1
LINE = re.compile(r"\d{8} (\d\d) n [^|]*\| ([^;\n]*)")  # topic, and the gloss before its first example
WORD = re.compile(r"[a-z]+")


def load(folder: Path | None = None, topics: Sequence[int] = TEN, vocabulary: int = 4000, length: int = 24) -> RawData:
    """Return the glosses of these topics as the tokens of their first words; there is no fixed test part.

    topics: by WordNet's numbers, 3 to 28. vocabulary: tokens, the most frequent words of all these glosses after one
    that fills up and one for every other word.
    """
    if len(set(topics)) < 2 or not set(topics) <= set(range(FIRST_TOPIC, FIRST_TOPIC + len(TOPICS))):
        raise ValueError(f"`topics` must be two or more different numbers of 3 to 28, not {list(topics)}")
    if vocabulary < 3 or length < 1:
        raise ValueError("`vocabulary` must be at least 3 and `length` at least 1")
    texts, labels = _read((folder or DEFAULT_FOLDER) / FILE, list(topics))
    counted = Counter(word for words in texts for word in words)
    common = sorted(counted, key=lambda word: (-counted[word], word))[: vocabulary - 2]
    names = (PADDING, UNKNOWN, *common)
    places = {word: place for place, word in enumerate(names)}
    tokens = np.zeros((len(texts), length), np.int64)
    for row, words in enumerate(texts):
        found = [places.get(word, 1) for word in words[:length]]
        tokens[row, : len(found)] = found
    return RawData(
        train_x=tokens,
        train_y=np.array(labels, np.int64),
        test_x=np.empty((0, length), np.int64),
        test_y=np.empty(0, np.int64),
        class_names=tuple(TOPICS[topic - FIRST_TOPIC] for topic in topics),
        input_names=names,
    )


def _read(path: Path, topics: list[int]) -> tuple[list[list[str]], list[int]]:
    """The words of every gloss that has any, and the places of their topics."""
    if not path.is_file():
        raise DataMissing(str(path), HINT)
    try:
        found = [LINE.match(line) for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith(" ")]
    except (OSError, UnicodeDecodeError) as error:
        raise DataDamaged(str(path), str(error)) from None
    matches = [match for match in found if match is not None]
    if not matches or len(matches) < len(found):
        raise DataDamaged(str(path), f"{len(found) - len(matches)} of its {len(found)} lines are no nouns with a gloss")
    wanted = {topic: place for place, topic in enumerate(topics)}
    read = [(WORD.findall(match[2].lower()), wanted.get(int(match[1]))) for match in matches]
    kept = [(words, label) for words, label in read if words and label is not None]
    return [words for words, _ in kept], [label for _, label in kept]
