"""1,797 handwritten digits of 8×8 pixels that ship with scikit-learn."""

import gzip
import zlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from sandbox.problems.errors import DataDamaged, DataMissing
from sandbox.problems.raw import RawData

PIXELS, MOST = 64, 16
HINT = "install the Python package scikit-learn, which brings it"


def load(folder: Path | None = None) -> RawData:
    """Return all images, standardised over all pixels; there is no fixed test part.

    The file is read as it lies in the package: importing scikit-learn for it would take seconds.
    """
    path = (folder if folder is not None else _package_folder()) / "digits.csv.gz"
    if not path.is_file():
        raise DataMissing(str(path), HINT)
    try:
        rows = np.loadtxt(gzip.decompress(path.read_bytes()).decode("ascii").splitlines(), delimiter=",", ndmin=2)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DataDamaged(str(path), str(error)) from None
    if rows.shape[1] != PIXELS + 1 or rows.min() < 0 or rows[:, :-1].max() > MOST or rows[:, -1].max() > 9:
        raise DataDamaged(str(path), f"its lines are not {PIXELS} pixels of 0 … {MOST} and a digit")
    pixels = rows[:, :-1]
    x = ((pixels - pixels.mean()) / pixels.std()).astype(np.float32)
    return RawData(
        train_x=x,
        train_y=rows[:, -1].astype(np.int64),
        test_x=np.empty((0, PIXELS), np.float32),
        test_y=np.empty(0, np.int64),
        class_names=tuple(str(digit) for digit in range(10)),
    )


def _package_folder() -> Path:
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise DataMissing("digits.csv.gz", HINT)
    return Path(package.origin).parent / "datasets" / "data"
