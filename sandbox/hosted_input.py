"""The folder that notebooks of 2023 read, made of what the loaders give; a replica has its own, and only to read."""

import csv
import json
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from sandbox.loaders import MappingDataset

CONTEST = "neurips-2023-machine-unlearning"
COLUMNS = ("image_id", "age_group", "age", "person_id")
PLACES = ("/kaggle/input", "../input")
COLOUR = 2  # as PNG calls three channels


def lay_out_input(
    folder: Path, datasets: Mapping[str, MappingDataset], original: Mapping[str, Tensor], *, classes: int
) -> None:
    """Tables, images and the original model, as the data page of the contest listed them."""
    contest = folder / CONTEST
    contest.mkdir(parents=True)
    for name, dataset in datasets.items():
        _write_table(contest / f"{name}.csv", dataset)
        _write_images(contest / "images", dataset)
    torch.save(dict(original), contest / "original_model.pth")
    labels = torch.cat([datasets[name].labels for name in ("retain", "forget")])
    (contest / "age_class_weights.json").write_text(json.dumps(_weigh(labels, classes)), encoding="ascii")
    _close(folder)


def explain_missing(text: str) -> str:
    """What to add to an error that speaks of this folder where it is not."""
    if "No such file" not in text or not any(place in text for place in PLACES):
        return ""
    return (
        " (the files of 2023 are there on practice problems of that shape alone; take what you need from the loaders)"
    )


def _write_table(path: Path, dataset: MappingDataset) -> None:
    columns = (dataset.image_ids, dataset.labels.tolist(), dataset.ages.tolist(), dataset.person_ids.tolist())
    with path.open("w", encoding="ascii", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows(zip(*columns, strict=True))


def _write_images(folder: Path, dataset: MappingDataset) -> None:
    """`images/a/b.png` for the id `a-b`."""
    pixels = dataset.images.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()
    for name, image in zip(dataset.image_ids, pixels, strict=True):
        part, number = name.split("-")
        path = folder / part / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_encode_png(image))


def _encode_png(image: Tensor) -> bytes:
    """(H, W, 3), 8 bits a channel, no filters: no library has to be loaded for it."""
    height, width, _ = image.shape
    lines = torch.cat([torch.zeros((height, 1), dtype=torch.uint8), image.reshape(height, -1)], dim=1)
    header = struct.pack(">IIBBBBB", width, height, 8, COLOUR, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.numpy().tobytes(), 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )


def _weigh(labels: Tensor, classes: int) -> dict[str, float]:
    """Balanced: a class that is rare among the training examples weighs more."""
    counts = torch.bincount(labels, minlength=classes).clamp(min=1)
    return {str(label): len(labels) / (classes * count) for label, count in enumerate(counts.tolist())}


def _close(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
