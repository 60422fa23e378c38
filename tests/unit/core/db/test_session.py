import threading
from pathlib import Path

import pytest

from core.db.models.accounts import User
from core.db.queries.users import fetch_user_by_name
from core.db.session import after_commit, get_engine, reading, transaction
from core.domain.errors import PlatformFault
from tests.database import make_database


def _make_user(name: str) -> User:
    return User(name=name, password_hash="hash")


def test_what_was_to_happen_after_the_commit_sees_the_commit(tmp_path: Path) -> None:
    engine = make_database(tmp_path)
    seen = []

    def look() -> None:
        with reading(engine) as session:
            seen.append(fetch_user_by_name(session, "ann") is not None)

    with transaction(engine) as session:
        session.add(_make_user("ann"))
        after_commit(session, look)
    assert seen == [True]


def test_an_error_rolls_back_and_nothing_happens_after(tmp_path: Path) -> None:
    engine = make_database(tmp_path)
    called = []
    with pytest.raises(RuntimeError), transaction(engine) as session:
        session.add(_make_user("ann"))
        after_commit(session, lambda: called.append(1))
        raise RuntimeError
    with reading(engine) as session:
        assert fetch_user_by_name(session, "ann") is None
    assert called == []


def test_writers_wait_for_each_other_instead_of_failing(tmp_path: Path) -> None:
    engine = make_database(tmp_path)

    def write(number: int) -> None:
        with transaction(engine) as session:
            assert fetch_user_by_name(session, f"user{number}") is None
            session.add(_make_user(f"user{number}"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(engine) as session:
        assert all(fetch_user_by_name(session, f"user{number}") for number in range(12))


def test_a_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    engine = make_database(tmp_path)
    with transaction(engine) as writer:
        writer.add(_make_user("ann"))
        writer.flush()
        with reading(engine) as session:
            assert fetch_user_by_name(session, "ann") is None


def test_a_folder_that_cannot_be_made_is_one_readable_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PlatformFault, match="cannot create the folder"):
        get_engine(f"sqlite:///{tmp_path / 'file' / 'below' / 'lacuna.sqlite'}")
