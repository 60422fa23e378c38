"""What a janitor does again and again, and what is said once nobody has for a while."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.domain.durations import show_duration


class Duty(StrEnum):
    SWEEP = "sweep"  # lost work goes out again, and so do messages that the broker has not got
    DELIVERY = "delivery"  # of webhooks and mail
    NODES = "nodes"  # that work over HTTP get shards, and what they bring back is judged


JANITOR = "python -m worker.janitor"
PATIENCE = {
    Duty.SWEEP: timedelta(minutes=1),
    Duty.DELIVERY: timedelta(minutes=5),  # receivers may be slow
    Duty.NODES: timedelta(minutes=1),
}
WORDS = {
    Duty.SWEEP: ("no janitor has swept", "the janitor's sweeps fail"),
    Duty.DELIVERY: ("no janitor has sent webhooks and mail", "sending webhooks and mail fails"),
    Duty.NODES: ("no janitor has given work to nodes", "giving work to nodes fails"),
}


@dataclass(frozen=True, slots=True)
class Turns:
    """Of one duty, whoever did it last."""

    duty: Duty
    tried_at: datetime | None = None  # None: nobody ever did
    turned_at: datetime | None = None  # the last time that it went well
    every_seconds: float = 0.0
    node: str = ""
    fault: str = ""  # of the last time; empty if it went well


@dataclass(frozen=True, slots=True)
class Idleness:
    """Why a duty is not done."""

    public: str  # names no machine
    staff: str
    command: str


def find_idleness(turns: Turns, now: datetime) -> Idleness | None:
    """None while it is done in time."""
    idle, failing = WORDS[turns.duty]
    patience = PATIENCE[turns.duty] + timedelta(seconds=turns.every_seconds)
    if turns.tried_at is None:
        return Idleness(f"{idle} yet", f"{idle} yet", JANITOR)
    if now - turns.tried_at > patience:
        lately = f"{idle} for {_tell_age(turns.tried_at, now)}"
        return Idleness(lately, f"{lately} (the last one on {turns.node})", JANITOR)
    if turns.fault and (turns.turned_at is None or now - turns.turned_at > patience):
        lately = failing if turns.turned_at is None else f"{failing} for {_tell_age(turns.turned_at, now)}"
        return Idleness(lately, f"{lately} (on {turns.node}): {turns.fault}", JANITOR)
    return None


def _tell_age(moment: datetime, now: datetime) -> str:
    return show_duration(max(1.0, round((now - moment).total_seconds())))
