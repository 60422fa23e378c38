"""A janitor goes on whatever happens to a turn, and says how it ended."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from core.db.base import utc_now
from core.db.queries import turns
from core.db.session import get_engine, reading
from core.domain.duties import Duty, Turns, find_idleness
from core.settings import Settings
from tests.database import make_database
from worker.jobs.turns import repeat, report_turn


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_folder=tmp_path, node_name="one")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_database(tmp_path)


def fetch(engine: Engine, duty: Duty = Duty.SWEEP) -> Turns:
    with reading(engine) as session:
        return next(each for each in turns.fetch_turns(session) if each.duty is duty)


def run(settings: Settings, engine: Engine, *acts: Callable[[], None]) -> None:
    """One turn for each."""
    over, left = threading.Event(), list(acts)

    def act() -> None:
        following = left.pop(0)
        if not left:
            over.set()
        following()

    repeat(over, settings, engine, Duty.SWEEP, 0.001, act)


def fail() -> None:
    raise KeyError("a row that nobody expected")


def test_a_turn_that_went_well_is_recorded(settings: Settings, engine: Engine) -> None:
    assert fetch(engine) == Turns(Duty.SWEEP)
    run(settings, engine, lambda: None)
    found = fetch(engine)
    assert found.turned_at == found.tried_at is not None
    assert (found.node, found.fault) == (settings.node_name, "")
    assert find_idleness(found, utc_now()) is None
    assert fetch(engine, Duty.DELIVERY) == Turns(Duty.DELIVERY)


def test_a_turn_that_fails_says_why_and_the_next_one_comes(settings: Settings, engine: Engine) -> None:
    run(settings, engine, lambda: None, fail)
    failing = fetch(engine)
    assert failing.fault == "KeyError: 'a row that nobody expected'"
    assert failing.turned_at is not None
    later = find_idleness(failing, utc_now() + timedelta(seconds=50))
    assert later is None  # it went well less than a minute ago
    run(settings, engine, fail, lambda: None)
    assert fetch(engine).fault == ""


def test_one_that_never_went_well_is_not_taken_for_one_that_does(settings: Settings, engine: Engine) -> None:
    run(settings, engine, fail)
    found = find_idleness(fetch(engine), utc_now())
    assert found is not None
    assert found.public == "the janitor's sweeps fail"


def test_janitors_that_turn_often_write_now_and_then(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    monkeypatch.setattr(turns, "record_turn", lambda *_, **values: written.append(values["fault"]))
    real = turns.fetch_turns
    monkeypatch.setattr(turns, "fetch_turns", lambda session: [Turns(Duty.SWEEP, utc_now(), utc_now(), 5.0, "n")])
    report_turn(settings, engine, Duty.SWEEP, 5.0, "")
    assert written == []
    report_turn(settings, engine, Duty.SWEEP, 5.0, "it fails now")
    assert written == ["it fails now"]
    monkeypatch.setattr(turns, "fetch_turns", real)
    report_turn(settings, engine, Duty.SWEEP, 5.0, "")
    assert written == ["it fails now", ""]


def test_a_database_that_is_away_ends_no_janitor(settings: Settings, engine: Engine) -> None:
    nowhere = settings.model_copy(update={"data_folder": settings.data_folder / "gone"})
    run(nowhere, get_engine(nowhere.resolved_database_url), lambda: None)
