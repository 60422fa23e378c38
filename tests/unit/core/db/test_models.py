import subprocess
import sys

import core.db.session  # noqa: F401
from core.db.base import Base

# in a process of its own, which nothing else has helped to a table
SCRIPT = (
    "import core.db.session; from core.db.base import Base; print(*[each.name for each in Base.metadata.sorted_tables])"
)


def test_whoever_opens_a_session_knows_every_table_that_others_refer_to() -> None:
    found = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert found.stderr == ""
    assert set(found.stdout.split()) == set(Base.metadata.tables)
