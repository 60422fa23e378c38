"""What a box promises whoever runs hostile code in it, and what became of trying the opposite on a node."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Promise(StrEnum):
    NETWORK = "network"
    WRITING = "writing"
    HOST_FILES = "host_files"
    HOST_PROCESSES = "host_processes"
    ENVIRONMENT = "environment"
    SYSTEM_CALLS = "system_calls"
    LISTS = "lists"
    PRIVILEGES = "privileges"
    PROGRAMS = "programs"
    EXECUTABLE_MEMORY = "executable_memory"
    EXECUTABLE_FILES = "executable_files"
    FILE_SIZE = "file_size"
    PROCESSES = "processes"
    TIME = "time"
    LEFTOVERS = "leftovers"
    USERS = "users"
    PARENT = "parent"
    MEMORY = "memory"
    CORE = "core"
    METER = "meter"
    NAMES = "names"


@dataclass(frozen=True, slots=True)
class Wording:
    promise: str
    tried: str


WORDING: Mapping[Promise, Wording] = {
    Promise.NETWORK: Wording("no network", "sockets of seven families, one of this machine, its namespace"),
    Promise.WRITING: Wording("nothing outside scratch is written", "a new file in every mount and folder of modules"),
    Promise.HOST_FILES: Wording("no file of this machine", "a file made for it, the memory and files of the first one"),
    Promise.HOST_PROCESSES: Wording("no process of this machine", "the list of processes; killing one made for it"),
    Promise.ENVIRONMENT: Wording("a fixed environment", "variables that the worker has"),
    Promise.SYSTEM_CALLS: Wording("system calls that lead out are refused", "each of them by its number"),
    Promise.LISTS: Wording("both lists of system calls are in force", "what the kernel says of the process"),
    Promise.PRIVILEGES: Wording("no capabilities, none to be had", "what the kernel says; becoming root"),
    Promise.PROGRAMS: Wording("no new program", "executing /bin/true, by fork and by spawn"),
    Promise.EXECUTABLE_MEMORY: Wording("no memory becomes executable", "mmap, mprotect, memfd, /proc/self/mem"),
    Promise.EXECUTABLE_FILES: Wording("nothing written is executable", "mapping a file of each writable folder"),
    Promise.FILE_SIZE: Wording("scratch has a size", "a file larger than scratch"),
    Promise.PROCESSES: Wording("processes and threads are limited", "more threads than allowed"),
    Promise.TIME: Wording("the time limit ends a replica", "sleeping past it"),
    Promise.LEFTOVERS: Wording("nothing is left for the next replica", "files, a daemon and its socket"),
    Promise.USERS: Wording("every replica is a user of its own", "the users of two replicas"),
    Promise.PARENT: Wording("the keeper is out of reach", "signalling it, its priority, its cores"),
    Promise.MEMORY: Wording("memory is limited, children included", "children that hold more together"),
    Promise.CORE: Wording("one core", "two processes that compute at once"),
    Promise.METER: Wording("all processor time is counted", "computing in orphans"),
    Promise.NAMES: Wording("looked-up names tell the next replica nothing", "128 bits by the time of looking them up"),
}
EVERY = frozenset(Promise)
# A node works without: the gate judges wall clocks too where nothing is metered, and only hidden data need quiet.
OPTIONAL = frozenset({Promise.METER, Promise.NAMES})


class Finding(StrEnum):
    HELD = "held"
    BROKEN = "not held"
    UNPROMISED = "not promised by this backend"


@dataclass(frozen=True, slots=True)
class Trial:
    promise: Promise
    finding: Finding
    detail: str = ""  # what got through


def find_refused(findings: Mapping[Promise, Finding], *, production: bool) -> list[Promise]:
    """The promises for want of which a node takes no work; in production its backend must give all that are needed."""
    return [
        each
        for each in Promise
        if (findings.get(each) is Finding.BROKEN and each is not Promise.NAMES)
        or (production and findings.get(each) is Finding.UNPROMISED and each not in OPTIONAL)
    ]


def explain_refusal(trials: Sequence[Trial], sandbox: str, *, production: bool) -> str:
    """Why work is refused, in one line; empty if it is not."""
    refused = find_refused({trial.promise: trial.finding for trial in trials}, production=production)
    if not refused:
        return ""
    told = "; ".join(_tell(trial) for trial in trials if trial.promise in refused)
    return f"{sandbox} does not keep what a box promises: {told}. `lacuna doctor --node` tries it again"


def keeps_quiet(trials: Collection[Trial]) -> bool:
    """Whether a replica can tell the next one nothing through the kernel's memory of names and pages."""
    return any(trial.promise is Promise.NAMES and trial.finding is Finding.HELD for trial in trials)


def dump_trials(trials: Sequence[Trial]) -> dict[str, dict[str, str]]:
    return {trial.promise: {"finding": trial.finding, "detail": trial.detail} for trial in trials}


def parse_trials(stored: Mapping[str, Mapping[str, str]]) -> tuple[Trial, ...]:
    """What an older worker tried and this version no longer knows is left out."""
    return tuple(
        Trial(promise, Finding(stored[promise]["finding"]), stored[promise]["detail"])
        for promise in Promise
        if promise in stored
    )


def _tell(trial: Trial) -> str:
    return f"{WORDING[trial.promise].promise} ({trial.detail or trial.finding})"
