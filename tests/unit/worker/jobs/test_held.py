"""An entry that brought a table is scored, and waits for a look before it has a rank."""

import base64
import random

import pytest

from core.db.models.boards import BoardLine
from core.db.models.submissions import Submission
from core.db.session import reading
from core.domain.leaderboard import Place
from tests.unit.worker.conftest import HONEST, Platform, make_spec

TABLE = HONEST + f"\nTABLE = {base64.b64encode(random.Random(0).randbytes(600)).decode()!r}\n".encode()


@pytest.mark.parametrize(
    ("source", "purpose", "place"),
    [
        (TABLE, "ranked", Place.HELD),
        (TABLE, "reference", Place.REFERENCE),
    ],
)
def test_a_table_is_scored_and_held(platform: Platform, source: bytes, purpose: str, place: Place) -> None:
    evaluation_id = platform.submit(platform.open_competition(make_spec()), source, purpose=purpose)
    platform.run_without_pauses(evaluation_id)
    with reading(platform.engine) as session:
        line = session.query(BoardLine).filter_by(evaluation_id=evaluation_id, until_version=None).one()
        assert line.place == place
        assert line.body["score"] is not None
        assert session.get_one(Submission, line.submission_id).is_held == (place is Place.HELD)
