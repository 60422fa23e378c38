from datetime import UTC, datetime, timedelta

import pytest

from core.domain.operations import Backlog, Health, estimate_seconds, get_health

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("silent_for", "fault", "health"),
    [(0, "", Health.HEALTHY), (29, "", Health.HEALTHY), (31, "", Health.SILENT), (0, "no engine", Health.FAULTY)],
)
def test_a_node_is_healthy_while_it_reports_and_can_work(silent_for: int, fault: str, health: Health) -> None:
    assert (
        get_health(last_seen_at=NOW - timedelta(seconds=silent_for), fault=fault, resting_until=None, now=NOW) is health
    )


@pytest.mark.parametrize(
    ("backlogs", "workers", "seconds"),
    [
        ([], 0, 0.0),
        ([Backlog(100, 2.0), Backlog(10, 4.0)], 4, 60.0),
        ([Backlog(100, 2.0)], 0, None),
        ([Backlog(100, 2.0), Backlog(1, None)], 4, None),
    ],
)
def test_the_rest_takes_what_replicas_took_shared_among_workers(
    backlogs: list[Backlog], workers: int, seconds: float | None
) -> None:
    assert estimate_seconds(backlogs, workers) == seconds


def test_a_node_that_rests_is_healthy_again_when_its_time_is_over() -> None:
    def look(resting_until: datetime) -> Health:
        return get_health(last_seen_at=NOW, fault="", resting_until=resting_until, now=NOW)

    assert look(NOW + timedelta(seconds=1)) is Health.RESTING
    assert look(NOW) is Health.HEALTHY
