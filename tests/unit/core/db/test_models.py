import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import StatementError

import core.db.session  # noqa: F401
from core.db.base import Base, utc_now
from core.db.models.accounts import ApiToken
from core.db.models.problems import PoolChunk
from core.db.session import reading, transaction
from core.domain.access import Scope
from core.domain.work import WorkState
from tests.database import make_database
from tests.factories import make_competition, make_pool, make_user

# in a process of its own, which nothing else has helped to a table
SCRIPT = (
    "import core.db.session; from core.db.base import Base; print(*[each.name for each in Base.metadata.sorted_tables])"
)


def test_whoever_opens_a_session_knows_every_table_that_others_refer_to() -> None:
    found = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert found.stderr == ""
    assert set(found.stdout.split()) == set(Base.metadata.tables)


def test_a_choice_is_a_string_in_the_database_and_a_member_outside(tmp_path: Path) -> None:
    engine = make_database(tmp_path)
    with transaction(engine) as session:
        make_pool(session, make_competition(session))
    with reading(engine) as session:
        first = select(PoolChunk).order_by(PoolChunk.position).limit(1)
        assert session.scalars(first).one().state is WorkState.DONE
        assert session.scalar(text("SELECT state FROM pool_chunks WHERE position = 0")) == "done"


def test_what_is_no_choice_is_neither_written_nor_read(tmp_path: Path) -> None:
    engine = make_database(tmp_path)
    with transaction(engine) as session:
        make_pool(session, make_competition(session))
    with pytest.raises(StatementError, match="'finnished' is not among"), transaction(engine) as session:
        session.execute(update(PoolChunk).values(state="finnished"))
    with transaction(engine) as session:
        session.execute(text("UPDATE pool_chunks SET state = 'finnished'"))
    with pytest.raises(LookupError, match="'finnished' is not among"), reading(engine) as session:
        session.scalars(select(PoolChunk)).first()


def test_several_choices_are_words_in_the_database_and_members_outside(tmp_path: Path) -> None:
    engine = make_database(tmp_path)
    scopes = (Scope.READ, Scope.SUBMIT)
    with transaction(engine) as session:
        row = ApiToken(user_id=make_user(session).id, scopes=scopes, secret_sha256="0", expires_at=utc_now())
        session.add(row)
    with reading(engine) as session:
        assert session.scalars(select(ApiToken.scopes)).one() == scopes
        assert session.scalar(text("SELECT scopes FROM api_tokens")) == "read submit"
    with pytest.raises(StatementError, match="'everything' is not a valid Scope"), transaction(engine) as session:
        session.execute(update(ApiToken).values(scopes=("everything",)))
