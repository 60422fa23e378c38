from dataclasses import replace
from typing import Any

import pytest

from core.domain.waiting import Fleet, Obstacle, Situation, explain_wait

GOOD = Fleet(alive=("a",), taking=("a",))
QUIET = Situation(
    evaluation_id="e1",
    rejudge_id="",
    is_held=False,
    is_paused=False,
    node_class="",
    fleet=GOOD,
    others=(),
    messages_stuck=False,
    competition="digits",
    pools_fault="",
    fault="",
    ahead=0,
)
CASES: list[tuple[dict[str, Any], Obstacle, str]] = [
    ({}, Obstacle.MESSAGE, "lost"),
    ({"ahead": 3}, Obstacle.QUEUE, "3 came before"),
    ({"fault": "CUDA error", "ahead": 3}, Obstacle.FAULT, "CUDA error"),
    ({"pools_fault": "waits for chunk 2", "fault": "waits for chunk 2"}, Obstacle.POOLS, "chunk 2"),
    ({"fault": "waits for what retraining costs"}, Obstacle.FAULT, "waits for what"),
    ({"fleet": Fleet()}, Obstacle.NO_NODE, "no worker"),
    ({"fleet": Fleet(), "node_class": "gpu", "others": ("b",)}, Obstacle.OTHER_CLASS, "class gpu"),
    ({"fleet": Fleet(), "others": ("b",)}, Obstacle.NO_NODE, "no worker"),
    ({"fleet": Fleet(alive=("a",), resting=("a",), reason="no engine")}, Obstacle.RESTING, "no engine"),
    ({"fleet": Fleet(alive=("a",), draining=("a",))}, Obstacle.DRAINING, "draining: a"),
    ({"fleet": Fleet(alive=("a",), faulty=("a",), reason="no bwrap")}, Obstacle.NO_SANDBOX, "no bwrap"),
    ({"messages_stuck": True, "fleet": Fleet()}, Obstacle.BROKER, "broker"),
    ({"is_held": True, "messages_stuck": True}, Obstacle.HELD, "its author's last 3"),
    ({"is_paused": True, "rejudge_id": "r1", "messages_stuck": True}, Obstacle.PAUSED, "paused"),
]


@pytest.mark.parametrize(("changes", "obstacle", "word"), CASES)
def test_the_first_obstacle_is_named(changes: dict[str, Any], obstacle: Obstacle, word: str) -> None:
    wait = explain_wait(replace(QUIET, **changes))
    assert wait.obstacle is obstacle
    assert word in wait.staff


def test_every_obstacle_can_be_told() -> None:
    assert {obstacle for _, obstacle, _ in CASES} == set(Obstacle)


@pytest.mark.parametrize(("changes", "_obstacle", "_word"), CASES)
def test_an_author_reads_a_sentence_and_nothing_of_the_machines(
    changes: dict[str, Any], _obstacle: Obstacle, _word: str
) -> None:
    wait = explain_wait(replace(QUIET, **changes))
    assert wait.author.endswith(".")
    assert wait.command
    for internal in ("CUDA", "no engine", "no bwrap", "gpu", "janitor", "LACUNA_", "lacuna "):
        assert internal not in wait.author
