"""What renews pages: which say so, and the library that does."""

import hashlib
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.session import transaction
from tests import gallery

STATIC = Path("api/pages/static")


@pytest.mark.parametrize(
    "name", ["queue", "nodes", "rejudge-running", "rejudges", "private", "board", "own-submissions"]
)
def test_a_page_of_what_moves_renews_itself(client: TestClient, engine: Engine, name: str) -> None:
    with transaction(engine) as session:
        filled = gallery.fill(session)
    look = next(each for each in filled.looks if each.name == name)
    client.cookies.set("lacuna", filled.secrets.get(look.role or "", ""))
    page = client.get(look.path, headers={"Accept": "text/html"}).text
    assert (" data-live=" in page) == (name != "private")  # that one is published


def test_what_is_not_ours_is_what_was_published() -> None:
    listed = re.findall(r"\| `([^`]+)` \|.*`([0-9a-f]{64})` \|", (STATIC / "vendor" / "README.md").read_text())
    assert {name: hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() for name, _ in listed} == dict(
        listed
    )
    assert {path.name for path in (STATIC / "vendor").glob("*.js")} == {name for name, _ in listed}
    assert f"/static/vendor/{listed[0][0]}" in Path("api/pages/templates/base.html").read_text()
