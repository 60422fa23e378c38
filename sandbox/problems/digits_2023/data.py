"""The digits in the shape of 2023: colour images of 3×32×32, values from 0 to 255, as nothing has scaled them."""

from pathlib import Path

import numpy as np

from sandbox.problems.digits import data as digits
from sandbox.problems.raw import RawData

SIDE, SCALE = 8, 4
TINTS = np.array([[255, 160, 96], [96, 255, 160], [160, 96, 255]], np.float32)  # one after the other


def load(folder: Path | None = None) -> RawData:
    """Return all images, each pixel four times as large and tinted; there is no fixed test part."""
    raw = digits.load(folder)
    ink = raw.train_x - raw.train_x.min()
    grey = (ink / ink.max()).reshape(-1, 1, SIDE, SIDE).repeat(SCALE, axis=2).repeat(SCALE, axis=3)
    tints = TINTS[np.arange(len(grey)) % len(TINTS)].reshape(-1, 3, 1, 1)
    return RawData(
        train_x=np.ascontiguousarray(np.rint(grey * tints), np.float32),
        train_y=raw.train_y,
        test_x=np.empty((0, 3, SIDE * SCALE, SIDE * SCALE), np.float32),
        test_y=raw.test_y,
        class_names=raw.class_names,
    )
