from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.domain.operations import Cost, Health, Unfinished, estimate_seconds, get_health
from core.domain.submission import Status

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("silent_for", "fault", "health"),
    [(0, "", Health.HEALTHY), (29, "", Health.HEALTHY), (31, "", Health.SILENT), (0, "no engine", Health.FAULTY)],
)
def test_a_node_is_healthy_while_it_reports_and_can_work(silent_for: int, fault: str, health: Health) -> None:
    assert (
        get_health(last_seen_at=NOW - timedelta(seconds=silent_for), fault=fault, resting_until=None, now=NOW) is health
    )


COST = Cost(canary=2.0, shard=10.0, score=4.0, total=26.0)  # two shards after the canary


def wait(count: int = 1, cost: Cost | None = COST, **values: Any) -> list[Unfinished]:
    row = {"status": Status.QUEUED, "share_left": 1.0, "longest_left": 1.0, "node_class": "", "cost": cost, **values}
    return [Unfinished(**row)] * count


@pytest.mark.parametrize(
    ("rows", "workers", "seconds"),
    [
        ([], {}, 0.0),
        (wait(10), {"cpu": 4}, 65.0),  # shared
        (wait(1), {"cpu": 4}, 16.0),  # one after the other
        (wait(1, status=Status.RUNNING, share_left=0.5, longest_left=0.7), {"cpu": 4}, 11.0),
        (wait(1, status=Status.SCORING, share_left=0.0), {"cpu": 4}, 4.0),
        (wait(10) + wait(10, node_class="gpu"), {"cpu": 9, "gpu": 1}, 260.0),  # one class has more to do
        (wait(10), {}, None),
        (wait(10), {"cpu": 0}, None),
        (wait(10) + wait(1, None), {"cpu": 4}, None),
        (wait(1, node_class="gpu"), {"cpu": 4}, None),
    ],
)
def test_the_rest_takes_what_was_taken_lately_shared_among_who_may(
    rows: list[Unfinished], workers: dict[str, int], seconds: float | None
) -> None:
    assert estimate_seconds(rows, workers) == seconds


def test_a_node_that_rests_is_healthy_again_when_its_time_is_over() -> None:
    def look(resting_until: datetime) -> Health:
        return get_health(last_seen_at=NOW, fault="", resting_until=resting_until, now=NOW)

    assert look(NOW + timedelta(seconds=1)) is Health.RESTING
    assert look(NOW) is Health.HEALTHY
