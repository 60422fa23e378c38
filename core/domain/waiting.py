"""Why work does not move: one plain sentence for an author, one for staff, and the command that helps."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from core.domain.duties import JANITOR
from core.domain.submission import HELD_AFTER, Hold

UNTOLD_AFTER = timedelta(minutes=1)  # nothing moved for so long: whoever looks is told why
UNSENT_AFTER = timedelta(seconds=30)  # several sweeps: the broker takes nothing, or nobody sweeps


class Obstacle(StrEnum):
    HELD = "held"
    PAUSED = "paused"
    BROKER = "broker"
    JANITOR = "janitor"
    NO_NODE = "no_node"
    NO_SANDBOX = "no_sandbox"
    RESTING = "resting"
    DRAINING = "draining"
    OTHER_CLASS = "other_class"
    POOLS = "pools"
    FAULT = "fault"
    QUEUE = "queue"
    MESSAGE = "message"
    GIVEN_UP = "given_up"
    REVOKED = "revoked"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Fleet:
    """The nodes that have reported lately, as names; a node may stand in several of the lists."""

    alive: tuple[str, ...] = ()
    faulty: tuple[str, ...] = ()
    resting: tuple[str, ...] = ()
    draining: tuple[str, ...] = ()
    taking: tuple[str, ...] = ()
    reason: str = ""  # of a faulty or resting one


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of one evaluation that nobody works at, and of those who could."""

    evaluation_id: str
    rejudge_id: str  # empty for none
    hold: Hold | None  # for staff to look at
    is_paused: bool
    node_class: str  # the only one it runs on; empty for any
    fleet: Fleet  # of that class
    others: tuple[str, ...]  # nodes of other classes that take work
    messages_stuck: bool
    competition: str
    pools_fault: str  # what its pools lack; empty if they are whole
    fault: str
    ahead: int
    message: str = "its message"  # that a worker has to receive next
    lost_with: str = ""  # the worker whose lease ran out long ago; empty for none
    busy: int = 0  # workers that hold something
    workers: int = 0
    idle: str = ""  # why no janitor sweeps; empty while one does


HOLDS = {  # what its author and staff read
    Hold.FAILURES: (
        "The platform failed at your last submissions. The organizers look at this one before it runs.",
        f"the platform failed at its author's last {HELD_AFTER}: look at their code and reasons, then send it",
    ),
    Hold.LEAKS: (
        "Your team's runs have told as much of the hidden data as this competition allows. The organizers look at this"
        " one before it runs.",
        "its team was told as much of the hidden problem as `leak_bits` allow (`lacuna admin leaks`): look at its"
        " submissions, then send it, or raise the setting",
    ),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """What is known of a pool chunk, or of an upload to be read, that nobody works at."""

    fleet: Fleet
    messages_stuck: bool
    fault: str
    node: str  # the last one that had it; empty if none ever did
    again: str  # the command that begins it anew
    is_given_up: bool = False
    is_revoked: bool = False
    is_overdue: bool = False  # a worker's lease ran out long ago
    busy: int = 0  # workers that hold something
    workers: int = 0
    idle: str = ""  # why no janitor sweeps; empty while one does


@dataclass(frozen=True, slots=True)
class Wait:
    obstacle: Obstacle
    author: str
    staff: str
    command: str


def explain_wait(situation: Situation) -> Wait:
    """The first thing that keeps it from moving."""
    return (
        _explain_order(situation)
        or _explain_fleet(situation.fleet, situation.node_class, situation.others)
        or _explain_turn(situation)
    )


def explain_piece(piece: Piece) -> Wait:
    """The first thing that keeps a piece of work from moving that has no author to tell."""
    if piece.is_revoked:
        return _tell(Obstacle.REVOKED, "its data was revoked: nothing new begins on it", "lacuna admin data-set list")
    if piece.is_given_up:
        return _tell(Obstacle.GIVEN_UP, f"given up: {piece.fault}{_name_node(piece)}", piece.again)
    if piece.is_overdue:
        why = f"its worker was lost{_name_node(piece)}, and {piece.idle or 'no janitor has sent it out again'}"
        return _tell(Obstacle.LOST, why, JANITOR)
    return _explain_messages(piece) or _explain_fleet(piece.fleet, "", ()) or _explain_piece_turn(piece)


def _explain_order(situation: Situation) -> Wait | None:
    if situation.hold is not None:
        author, staff = HOLDS[situation.hold]
        return Wait(Obstacle.HELD, author, staff, f"lacuna admin requeue {situation.evaluation_id} --because …")
    if situation.is_paused:
        return Wait(
            Obstacle.PAUSED,
            "The organizers paused the rejudge that this run belongs to.",
            "its rejudge is paused",
            f"lacuna rejudge resume {situation.rejudge_id} --because …",
        )
    if situation.lost_with:
        return Wait(
            Obstacle.LOST,
            "The machine that ran it was lost. Another one takes over by itself.",
            f"{situation.lost_with} was lost with it, and {situation.idle or 'no janitor has sent it out again'}",
            JANITOR,
        )
    return _explain_messages(situation)


def _explain_messages(found: Situation | Piece) -> Wait | None:
    if not found.messages_stuck:
        return None
    if found.idle:
        return _explain_idleness(f"messages are not sent: {found.idle}")
    return Wait(
        Obstacle.BROKER,
        "The platform's message queue is away. Your submission is kept and starts by itself when it is back.",
        "messages do not reach the broker: it is away",
        "start Redis again (`lacuna up` restarts its own)",
    )


def _explain_idleness(staff: str) -> Wait:
    author = (
        "What offers work to the machines stands still. Your submission is kept and starts by itself when it goes on."
    )
    return Wait(Obstacle.JANITOR, author, staff, JANITOR)


def _explain_fleet(fleet: Fleet, node_class: str, others: tuple[str, ...]) -> Wait | None:
    if fleet.taking:
        return None
    if not fleet.alive and node_class and others:
        return Wait(
            Obstacle.OTHER_CLASS,
            "It waits for a machine of the kind on which it was begun: run times on others do not compare.",
            f"no node of class {node_class} reports; others do: {', '.join(others)}",
            f"start a worker with LACUNA_NODE_CLASS={node_class}",
        )
    if not fleet.alive:
        return Wait(
            Obstacle.NO_NODE,
            "No machine is running submissions now. Yours is kept and starts by itself.",
            "no worker has reported lately",
            "celery -A worker.main worker -Q scores,shards,pools",
        )
    if fleet.resting:
        return Wait(
            Obstacle.RESTING,
            "The machines failed several times in a row, by no fault of yours. They try again by themselves.",
            f"resting after failures: {', '.join(fleet.resting)} ({fleet.reason})",
            f"lacuna admin activate {fleet.resting[0]} --because …",
        )
    if fleet.draining:
        return Wait(
            Obstacle.DRAINING,
            "The machines are being serviced and take no new work for now.",
            f"draining: {', '.join(fleet.draining)}",
            f"lacuna admin activate {fleet.draining[0]} --because …",
        )
    return Wait(
        Obstacle.NO_SANDBOX,
        "The machines cannot run submissions now. Yours is kept and starts by itself.",
        f"without a sandbox: {', '.join(fleet.faulty or fleet.alive)} ({fleet.reason})",
        "lacuna admin nodes",
    )


def _explain_turn(situation: Situation) -> Wait:
    requeue = f"lacuna admin requeue {situation.evaluation_id} --because …"
    if situation.pools_fault:
        return Wait(
            Obstacle.POOLS,
            "Trained models that it needs were lost and are made again. It goes on by itself when they are there.",
            situation.pools_fault,
            f"lacuna admin pools verify {situation.competition}",
        )
    if situation.fault.startswith("waits"):
        return Wait(
            Obstacle.FAULT, "It waits for a machine that is ready for it.", situation.fault, "lacuna admin nodes"
        )
    if situation.fault:
        author = "A machine failed at it, by no fault of yours. Another one tries again."
        return Wait(Obstacle.FAULT, author, situation.fault, requeue)
    if situation.ahead:
        author = f"{situation.ahead} submission{'s' if situation.ahead > 1 else ''} came before it."
        return Wait(Obstacle.QUEUE, author, f"{situation.ahead} came before it", "lacuna admin queue")
    if situation.workers and situation.busy >= situation.workers:
        author = "The machines are at other work. Its turn comes by itself."
        return Wait(Obstacle.QUEUE, author, _tell_busy(situation.workers), "lacuna admin nodes")
    if situation.idle:
        return _explain_idleness(f"{situation.message} may be lost, and {situation.idle}")
    return Wait(
        Obstacle.MESSAGE,
        "Nobody has begun it yet. It is offered to the machines again every few seconds.",
        _tell_message(situation.message),
        requeue,
    )


def _explain_piece_turn(piece: Piece) -> Wait:
    if piece.fault:
        return _tell(Obstacle.FAULT, f"{piece.fault}{_name_node(piece)}; it is tried again", "lacuna admin nodes")
    if piece.workers and piece.busy >= piece.workers:
        return _tell(Obstacle.QUEUE, _tell_busy(piece.workers), "lacuna admin nodes")
    if piece.idle:
        return _explain_idleness(f"its message may be lost, and {piece.idle}")
    return _tell(Obstacle.MESSAGE, _tell_message("its message"), piece.again)


def _tell(obstacle: Obstacle, staff: str, command: str) -> Wait:
    return Wait(obstacle, "", staff, command)


def _tell_message(message: str) -> str:
    return f"{message} is on its way to a worker, or was lost and goes out again at the janitor's next sweep"


def _tell_busy(workers: int) -> str:
    return f"all {workers} workers are at other work"


def _name_node(piece: Piece) -> str:
    return f" (on {piece.node})" if piece.node else ""
