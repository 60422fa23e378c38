"""The life of one replica, in its own forked process: shut in, import, prepare, unlearn, hand over weights."""

import errno
import os
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, NoReturn

from sandbox.assignment import Assignment
from sandbox.cage import enter
from sandbox.contract import ERROR_CHARS, SPLIT_NAMES, TRACEBACK_CHARS, Message, Outcome, Role, make_text, write_frame
from sandbox.hosted_input import explain_missing, lay_out_input
from sandbox.loaders import MappingDataset, MemoryLoader
from sandbox.lock import lock
from sandbox.reseed import reseed_generators
from sandbox.submission import (
    Refused,
    choose_options,
    get_entry_function,
    get_prepare_function,
    load_submission,
    seed_everything,
    write_files,
)
from sandbox.weights import collect_weights, read_schema

OUTCOME_OF_ERRNO = {
    errno.ENOSPC: Outcome.OUTPUT_LIMIT,
    errno.EFBIG: Outcome.OUTPUT_LIMIT,
    errno.EDQUOT: Outcome.OUTPUT_LIMIT,
    errno.EAGAIN: Outcome.PROCESS_LIMIT,
    errno.ENOMEM: Outcome.MEMORY_LIMIT,
}
OUTCOME_OF_PHRASE = {
    "can't start new thread": Outcome.PROCESS_LIMIT,
    "can't allocate memory": Outcome.MEMORY_LIMIT,
    "not enough memory": Outcome.MEMORY_LIMIT,
    "bad_alloc": Outcome.MEMORY_LIMIT,
    "no space left on device": Outcome.OUTPUT_LIMIT,
}


def run_replica(
    assignment: Assignment, order: Mapping[str, Any], *, uid: int | None, result_fd: int, log_fd: int
) -> NoReturn:
    """Never returns: whatever happens ends this process, and only a whole frame on `result_fd` counts."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        scratch = Path(assignment.setup["writable"][0]) / "replica"
        enter(uid=uid, scratch=scratch, limits=assignment.limits, log_fd=log_fd, keep_fd=result_fd)
        with os.fdopen(result_fd, "wb") as stream:
            _live(assignment, order, scratch, stream)
    finally:
        os._exit(0)


def _live(assignment: Assignment, order: Mapping[str, Any], scratch: Path, stream: BinaryIO) -> None:
    try:
        network = assignment.build_network(order["original"])
        schema = read_schema(network)
        loaders = assignment.build_loaders()
        arguments = (network, *loaders)
        if assignment.setup["hosted_input"] and order["role"] == Role.ENTRY:
            _lay_out_input(assignment, loaders, order["original"], scratch)
        obstacle = _lay_out(assignment.files[Role(order["role"])], scratch)
        offered = {
            "device": assignment.device,
            "seed": order["seed"],
            "num_classes": assignment.setup["network"]["num_classes"],
            "budget_seconds": assignment.setup["budget_seconds"],
        }
        if assignment.setup["native_lock"]:
            lock(assignment.setup["native_lock"])
    except BaseException as error:
        _report(stream, Outcome.SANDBOX_FAILED, error, whole=True)  # believed only because no participant code ran
        return
    seed_everything(order["seed"])
    write_frame(stream, Message.STARTED, cpu_seconds=time.process_time())
    try:
        if obstacle is not None:
            raise obstacle
        weights = collect_weights(_unlearn(scratch, arguments, offered, order["seed"]), network, schema)
    except BaseException as error:
        _flush_streams()
        _report(stream, classify(error), error)
        return
    _flush_streams()
    write_frame(stream, Message.FINISHED, weights, outcome=Outcome.OK, error="", traceback="")


def _lay_out(files: Mapping[str, bytes], folder: Path) -> Refused | None:
    """Names and sizes are the author's: a file that cannot be written is no fault of the platform's."""
    try:
        write_files(files, folder)
    except (OSError, ValueError) as error:
        return Refused(Outcome.IMPORT_FAILED, f"a file cannot be written: {_describe(error)}")
    return None


def _lay_out_input(assignment: Assignment, loaders: tuple[MemoryLoader, ...], original: int, scratch: Path) -> None:
    """Beside the working folder: `../input` leads there too, as it does on the hosts of notebooks."""
    named = zip(SPLIT_NAMES, (loader.dataset for loader in loaders), strict=True)
    datasets = {name: dataset for name, dataset in named if isinstance(dataset, MappingDataset)}
    classes = assignment.setup["network"]["num_classes"]
    lay_out_input(scratch.parent / "input", datasets, assignment.originals[original], classes=classes)


def _unlearn(folder: Path, arguments: tuple[Any, ...], offered: Mapping[str, Any], seed: int) -> Any:
    known = len(sys.modules)
    module = _import_submission(folder)
    reseed_generators(folder, seed, known=known)
    function = get_entry_function(module)
    options = choose_options(function, offered)
    prepare = get_prepare_function(module)
    if prepare is not None:
        seed_everything(seed)
        prepare(*arguments, **choose_options(prepare, offered))
    seed_everything(seed)
    return function(*arguments, **options)


def _import_submission(folder: Path) -> ModuleType:
    try:
        return load_submission(folder)
    except (Refused, SystemExit, KeyboardInterrupt):
        raise
    except Exception as error:
        outcome = classify(error)
        if outcome is not Outcome.EXCEPTION:
            raise
        raise Refused(Outcome.IMPORT_FAILED, _describe(error)) from error


def classify(error: BaseException) -> Outcome:
    """Name the limit an exception speaks of; a participant can only choose between faults of their own."""
    if isinstance(error, Refused):
        return error.outcome
    if isinstance(error, SystemExit):
        return Outcome.OUTPUT_MISSING
    if isinstance(error, MemoryError):
        return Outcome.MEMORY_LIMIT
    if isinstance(error, OSError) and error.errno in OUTCOME_OF_ERRNO:
        return OUTCOME_OF_ERRNO[error.errno]
    text = _describe(error).lower()
    return next((outcome for phrase, outcome in OUTCOME_OF_PHRASE.items() if phrase in text), Outcome.EXCEPTION)


def _describe(error: BaseException) -> str:
    try:
        text = str(error)[: 4 * ERROR_CHARS]
    except Exception:
        text = "(its message cannot be printed)"
    if isinstance(error, Refused):
        return text
    if isinstance(error, SystemExit):
        return f"the code left the process: SystemExit({text})"
    return f"{type(error).__name__}: {text}{explain_missing(text)}"


def _report(stream: BinaryIO, outcome: Outcome, error: BaseException, *, whole: bool = False) -> None:
    message = make_text(" ".join(_describe(error).split()), chars=ERROR_CHARS)
    text = make_text(_format_traceback(error, whole=whole), chars=TRACEBACK_CHARS, last=True)
    write_frame(stream, Message.FINISHED, outcome=outcome, error=message, traceback=text)


def _format_traceback(error: BaseException, *, whole: bool) -> str:
    """Show the participant's part of the traceback, its end if it is long."""
    try:
        cause = error.__cause__ if isinstance(error, Refused) and error.__cause__ else error
        frames = traceback.extract_tb(cause.__traceback__)
        ours = 0 if whole else next((n for n, f in enumerate(frames) if "/sandbox/" not in f.filename), len(frames))
        lines = ["Traceback (most recent call last):\n", *traceback.format_list(frames[ours:])] if frames[ours:] else []
        return "".join(lines) + _describe(cause)
    except Exception:
        return ""


def _flush_streams() -> None:
    """Send printed text on its way: after the last frame this process is killed."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # a replaced or closed stream is the participant's own loss
            stream.flush()
