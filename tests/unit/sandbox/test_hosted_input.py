import csv
import json
import stat
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sandbox.assignment import Assignment
from sandbox.hosted_input import CONTEST, explain_missing, lay_out_input
from sandbox.loaders import MappingDataset

SIZES = {"retain": 5, "forget": 3, "validation": 2}
LABELS = torch.tensor([0, 0, 1, 2, 1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    datasets, first = {}, 998
    for name, size in SIZES.items():
        images = torch.randint(0, 256, (size, 3, 4, 6), generator=torch.Generator().manual_seed(size)).float()
        datasets[name] = MappingDataset(images, LABELS[:size], first=first)
        first += size
    lay_out_input(tmp_path / "input", datasets, {"fc.weight": torch.ones(2, 2)}, classes=10)
    return tmp_path / "input" / CONTEST


def test_tables_name_images_that_hold_what_the_loaders_give(folder: Path) -> None:
    with (folder / "retain.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["image_id"] for row in rows] == ["0-998", "0-999", "1-0", "1-1", "1-2"]
    assert [int(row["age_group"]) for row in rows] == LABELS.tolist()
    part, number = rows[2]["image_id"].split("-")
    with Image.open(folder / "images" / part / f"{number}.png") as image:
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float()
    expected = torch.randint(0, 256, (5, 3, 4, 6), generator=torch.Generator().manual_seed(5)).float()
    assert torch.equal(pixels, expected[2])


def test_no_image_is_in_two_tables(folder: Path) -> None:
    named = [line.split(",")[0] for name in SIZES for line in (folder / f"{name}.csv").read_text().splitlines()[1:]]
    assert len(set(named)) == len(named) == sum(SIZES.values()) == len(list((folder / "images").rglob("*.png")))


def test_the_original_and_the_weights_are_read_as_notebooks_read_them(folder: Path) -> None:
    assert torch.equal(torch.load(folder / "original_model.pth")["fc.weight"], torch.ones(2, 2))  # noqa: TID251
    weights = json.loads((folder / "age_class_weights.json").read_text())
    assert list(weights) == [str(label) for label in range(10)]
    assert weights["0"] == 8 / (10 * 4)  # four of the eight examples of retain and forget set
    assert not (folder / "empty.txt").exists()  # it would mean a dry run


def test_nothing_in_it_can_be_written(folder: Path) -> None:
    places = (folder.parent, folder, *folder.rglob("*"))
    assert not any(path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) for path in places)


def test_an_error_of_a_missing_file_says_where_there_is_one() -> None:
    said = "[Errno 2] No such file or directory: '/kaggle/input/neurips-2023-machine-unlearning/retain.csv'"
    assert "practice problems of that shape" in explain_missing(said)
    assert explain_missing("[Errno 2] No such file or directory: '/tmp/x'") == ""
    assert explain_missing("cannot read /kaggle/input: it holds no images") == ""


def test_an_id_belongs_to_one_example_of_all_loaders() -> None:
    splits = {f"{name}_{part}": torch.zeros(size, dtype=torch.int64) for name, size in SIZES.items() for part in "xy"}
    setup = {"batch_format": "mapping", "batch_size": 2}
    loaders = Assignment(setup, {}, splits, ()).build_loaders()
    named = [name for loader in loaders for batch in loader for name in batch["image_id"]]
    assert len(set(named)) == sum(SIZES.values())
