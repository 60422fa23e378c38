"""Problems small enough to train in a unit test."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.problem_files import parse_problem
from core.problems import ProblemSpec


def make_tiny_spec(**changes: Any) -> ProblemSpec:
    """240 digits, 40 to forget, a perceptron of 12 hidden units, 3 epochs; any part can be changed."""
    values: dict[str, Any] = {
        "slug": "tiny",
        "title": "Tiny digits",
        "data": {"package": "digits"},
        "network": {"package": "digits", "options": {"hidden": [12]}},
        "recipe": {"epochs": 3, "batch_size": 32, "learning_rate": 0.1, "weight_decay": 0.002},
        "split": {"train": 240, "validation": 50, "test": 100, "label_noise": 0.1, "seed": 5},
        "forget": {"kind": "random", "fraction": 1 / 6, "seed": 6},
        "pools": {"replicas": 16, "seed": 7},
        "evaluation": {"replicas": 16},
    }
    for part, change in changes.items():
        values[part] = change if part in ("forget", "data", "kind", "network") else {**values[part], **change}
    return parse_problem(values, source="a test")


def make_tiny_image_spec(**changes: Any) -> ProblemSpec:
    """The 60 + 20 pictures of `write_idx_folder` and a convolutional network."""
    return make_tiny_spec(
        **{
            "data": {"package": "fashion_mnist"},
            "network": {"package": "fashion_mnist", "options": {"channels": [2, 4], "hidden": 8}},
            "split": {"train": 48, "validation": 12, "test": 20, "label_noise": 0.0, "seed": 5},
            "recipe": {"epochs": 2, "batch_size": 16, "learning_rate": 0.05},
            **changes,
        }
    )


def write_idx_folder(folder: Path, *, train: int = 60, test: int = 20) -> Path:
    """Write the four files of Fashion-MNIST with random pictures of 28×28."""
    rng = np.random.default_rng(0)
    for stem, count in (("train", train), ("t10k", test)):
        images = rng.integers(256, size=(count, 28, 28), dtype=np.uint8)
        write_idx(folder / f"{stem}-images-idx3-ubyte", images)
        write_idx(folder / f"{stem}-labels-idx1-ubyte", (np.arange(count) % 10).astype(np.uint8))
    return folder


def write_idx(path: Path, values: npt.NDArray[np.uint8]) -> None:
    path.write_bytes(bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes())


def write_glosses(folder: Path, *, nouns: int = 60) -> Path:
    """Write WordNet's file of nouns, cut down: two topics (4 and 5) that a few of their words tell apart."""
    rng = np.random.default_rng(0)
    words = (["deed", "doing", "effort", "game"], ["beast", "bird", "fish", "insect"])
    lines = ["  1 a line of the licence"]
    for number in range(nouns):
        said = " ".join(rng.choice([*words[number % 2], "a", "of", "the"], size=int(rng.integers(3, 9))))
        lines.append(f'{number:08d} {4 + number % 2:02d} n 01 thing 0 000 | {said}; "an example"  ')
    (folder / "data.noun").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
