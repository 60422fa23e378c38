from dataclasses import replace
from typing import Any

import pytest

from core.domain.submission import Hold
from core.domain.waiting import Fleet, Obstacle, Piece, Situation, explain_piece, explain_wait

GOOD = Fleet(alive=("a",), taking=("a",))
QUIET = Situation(
    evaluation_id="e1",
    rejudge_id="",
    hold=None,
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
    ({"busy": 2, "workers": 2}, Obstacle.QUEUE, "all 2 workers"),
    ({"busy": 1, "workers": 2}, Obstacle.MESSAGE, "lost"),
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
    ({"messages_stuck": True, "idle": "no janitor has swept for 3 min"}, Obstacle.JANITOR, "not sent: no janitor"),
    ({"idle": "no janitor has swept for 3 min"}, Obstacle.JANITOR, "its message may be lost, and no janitor"),
    ({"idle": "no janitor has swept for 3 min", "busy": 2, "workers": 2}, Obstacle.QUEUE, "all 2 workers"),
    ({"hold": Hold.FAILURES, "messages_stuck": True}, Obstacle.HELD, "its author's last 3"),
    ({"hold": Hold.LEAKS}, Obstacle.HELD, "`leak_bits` allow"),
    ({"lost_with": "the node a", "messages_stuck": True}, Obstacle.LOST, "the node a was lost"),
    (
        {"lost_with": "the node a", "idle": "no janitor has swept yet"},
        Obstacle.LOST,
        "with it, and no janitor has swept",
    ),
    ({"is_paused": True, "rejudge_id": "r1", "messages_stuck": True}, Obstacle.PAUSED, "paused"),
]

PIECE = Piece(fleet=GOOD, messages_stuck=False, fault="", node="", again="lacuna admin apply digits.toml")
PIECES: list[tuple[dict[str, Any], Obstacle, str]] = [
    ({}, Obstacle.MESSAGE, "lost"),
    ({"busy": 2, "workers": 2}, Obstacle.QUEUE, "all 2 workers"),
    ({"busy": 1, "workers": 2}, Obstacle.MESSAGE, "lost"),
    ({"fault": "CUDA error", "node": "a"}, Obstacle.FAULT, "CUDA error (on a)"),
    ({"fleet": Fleet(), "fault": "CUDA error"}, Obstacle.NO_NODE, "no worker"),
    ({"messages_stuck": True, "fleet": Fleet()}, Obstacle.BROKER, "broker"),
    ({"is_overdue": True, "node": "a", "messages_stuck": True}, Obstacle.LOST, "lost (on a)"),
    ({"messages_stuck": True, "idle": "no janitor has swept yet"}, Obstacle.JANITOR, "not sent: no janitor"),
    ({"idle": "no janitor has swept yet"}, Obstacle.JANITOR, "may be lost, and no janitor"),
    ({"is_given_up": True, "fault": "nan", "is_overdue": True}, Obstacle.GIVEN_UP, "given up: nan"),
    ({"is_revoked": True, "is_given_up": True, "fault": "nan"}, Obstacle.REVOKED, "revoked"),
]


@pytest.mark.parametrize(("changes", "obstacle", "word"), CASES)
def test_the_first_obstacle_is_named(changes: dict[str, Any], obstacle: Obstacle, word: str) -> None:
    wait = explain_wait(replace(QUIET, **changes))
    assert wait.obstacle is obstacle
    assert word in wait.staff


def test_every_obstacle_can_be_told() -> None:
    assert {obstacle for _, obstacle, _ in (*CASES, *PIECES)} == set(Obstacle)


@pytest.mark.parametrize(("changes", "obstacle", "word"), PIECES)
def test_the_first_obstacle_of_a_piece_is_named(changes: dict[str, Any], obstacle: Obstacle, word: str) -> None:
    wait = explain_piece(replace(PIECE, **changes))
    assert wait.obstacle is obstacle
    assert word in wait.staff
    assert wait.command


@pytest.mark.parametrize(("changes", "_obstacle", "_word"), CASES)
def test_an_author_reads_a_sentence_and_nothing_of_the_machines(
    changes: dict[str, Any], _obstacle: Obstacle, _word: str
) -> None:
    wait = explain_wait(replace(QUIET, **changes))
    assert wait.author.endswith(".")
    assert wait.command
    for internal in ("CUDA", "no engine", "no bwrap", "gpu", "janitor", "LACUNA_", "lacuna "):
        assert internal not in wait.author
