"""A database built by the migrations, copied for each test."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import Engine

from core.db.migrate import upgrade_database
from core.db.session import get_engine


@cache
def _template() -> Path:
    path = Path(tempfile.mkdtemp(prefix="lacuna-template-")) / "lacuna.sqlite"
    url = f"sqlite:///{path}"
    upgrade_database(url)
    get_engine(url).dispose()  # folds the write-ahead log into the file
    return path


def make_database(folder: Path) -> Engine:
    """Return an engine on a fresh database of the newest revision."""
    path = folder / "lacuna.sqlite"
    shutil.copyfile(_template(), path)
    return get_engine(f"sqlite:///{path}")
