import json
import subprocess
import sys
from pathlib import Path

from core.domain.intake.libraries import CATALOG, PROVIDED


def test_the_list_of_what_can_be_imported_is_that_of_the_installed_libraries(tmp_path: Path) -> None:
    """Made again by `python -m sandbox.catalog core/domain/intake/modules.json`."""
    made = tmp_path / "modules.json"
    done = subprocess.run([sys.executable, "-m", "sandbox.catalog", str(made)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    now, kept = (json.loads(path.read_text(encoding="ascii")) for path in (made, CATALOG))
    for part in ("modules", "names"):
        ours = {name: listed for name, listed in kept[part].items() if name.split(".")[0] in PROVIDED}
        assert {name: now[part][name] for name in ours} == ours
    assert set(now["modules"]) == set(kept["modules"])
