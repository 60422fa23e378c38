from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from core.db import base
from core.db.clock import LOOK_SECONDS, Clock
from core.db.session import get_engine, reading

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AN_HOUR = timedelta(hours=1)


class Machine:
    """A host whose wall clock is set by somebody, and whose steady clock is not."""

    def __init__(self, wall: datetime) -> None:
        self.wall, self.seconds = wall, 1000.0

    def pass_time(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.seconds += seconds

    def clock(self) -> Clock:
        return Clock(host=lambda: self.wall, steady=lambda: self.seconds)


def test_before_the_first_look_the_hosts_clock_has_to_do() -> None:
    assert Machine(NOON).clock().now() == NOON


@pytest.mark.parametrize("skew", [AN_HOUR, -AN_HOUR, timedelta(0)])
def test_the_hosts_skew_does_not_matter_after_a_look(skew: timedelta) -> None:
    machine = Machine(NOON + skew)
    found = machine.clock()
    found.set(NOON)
    machine.pass_time(12.5)
    assert found.now() == NOON + timedelta(seconds=12.5)


def test_a_clock_that_is_set_meanwhile_does_not_matter() -> None:
    machine = Machine(NOON)
    found = machine.clock()
    found.set(NOON)
    machine.wall += AN_HOUR
    assert found.now() == NOON


def test_it_looks_again_after_a_while() -> None:
    machine = Machine(NOON)
    found = machine.clock()
    assert found.is_due()
    found.set(NOON)
    assert not found.is_due()
    machine.pass_time(LOOK_SECONDS)
    assert found.is_due()


def test_a_skew_is_named_once_until_it_is_gone() -> None:
    machine = Machine(NOON + AN_HOUR)
    found = machine.clock()
    with capture_logs() as logs:
        found.set(NOON)
        found.set(NOON)
    assert [(line["event"], line["seconds"]) for line in logs] == [
        ("this host's clock is off; the database's counts", 3600.0)
    ]
    with capture_logs() as logs:
        machine.wall = NOON
        found.set(NOON)
        machine.wall = NOON - AN_HOUR
        found.set(NOON)
    assert [line["seconds"] for line in logs] == [-3600.0]


def test_a_session_looks_at_its_databases_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Clock(host=lambda: datetime.now(UTC) + AN_HOUR)
    monkeypatch.setattr(base, "CLOCK", wrong)
    monkeypatch.setattr("core.db.session.CLOCK", wrong)
    engine = get_engine(f"sqlite:///{tmp_path / 'clock.sqlite'}")
    assert base.utc_now() - datetime.now(UTC) > AN_HOUR / 2
    with reading(engine):
        assert abs(base.utc_now() - datetime.now(UTC)) < timedelta(seconds=2)
    engine.dispose()
