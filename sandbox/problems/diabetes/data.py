"""442 diabetes patients that ship with scikit-learn: ten measurements, and how far the disease got in a year."""

import gzip
import zlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sandbox.problems.errors import DataDamaged, DataMissing
from sandbox.problems.raw import RawData

COLUMNS = ("age", "sex", "bmi", "bp", "tc", "ldl", "hdl", "tch", "ltg", "glu")
HINT = "install the Python package scikit-learn, which brings it"


def load(folder: Path | None = None) -> RawData:
    """Return all patients, columns and target standardised; there is no fixed test part.

    The files are read as they lie in the package: importing scikit-learn for them would take seconds.
    """
    folder = folder if folder is not None else _find_folder()
    x = _read(folder / "diabetes_data_raw.csv.gz", columns=len(COLUMNS))
    y = _read(folder / "diabetes_target.csv.gz", columns=1)
    if len(x) != len(y):
        raise DataDamaged(str(folder / "diabetes_target.csv.gz"), f"it has {len(y)} targets for {len(x)} rows")
    return RawData(
        train_x=_standardise(x),
        train_y=_standardise(y)[:, 0],
        test_x=np.empty((0, len(COLUMNS)), np.float32),
        test_y=np.empty(0, np.float32),
        input_names=COLUMNS,
        groups={name: x[:, COLUMNS.index(name)].astype(np.int64) for name in ("age", "sex")},
    )


def _read(path: Path, *, columns: int) -> npt.NDArray[np.float64]:
    if not path.is_file():
        raise DataMissing(str(path), HINT)
    try:
        rows = np.loadtxt(gzip.decompress(path.read_bytes()).decode("ascii").splitlines(), ndmin=2)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DataDamaged(str(path), str(error)) from None
    if rows.shape[1] != columns or len(rows) < columns or not np.isfinite(rows).all():
        raise DataDamaged(str(path), f"its lines are not {columns} numbers")
    return rows


def _standardise(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    return np.asarray((values - values.mean(axis=0)) / values.std(axis=0), np.float32)


def _find_folder() -> Path:
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise DataMissing("diabetes_data_raw.csv.gz", HINT)
    return Path(package.origin).parent / "datasets" / "data"
