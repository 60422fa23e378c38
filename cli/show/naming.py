"""One way to name a competition: `-c NAME` works wherever the name may also stand in its own place."""

from collections.abc import Sequence
from typing import Any

OPTIONS = ("-c", "--competition")


def place_competition(command: Any, args: Sequence[str]) -> list[str]:
    """The arguments of a command, or of one of a group's, with what `-c` names in its place: before all others."""
    inner_commands = getattr(command, "commands", None)  # of a group
    if inner_commands is not None:
        inner = inner_commands.get(args[0]) if args else None
        return [args[0], *place_competition(inner, args[1:])] if inner else list(args)
    if not any(each.param_type_name == "argument" and each.name == "competition" for each in command.params):
        return list(args)
    named, rest = _split(list(args))
    return [named, *rest] if named else rest


def _split(args: list[str]) -> tuple[str, list[str]]:
    for place, arg in enumerate(args):
        if arg == "--":
            break
        if arg in OPTIONS and place + 1 < len(args):
            return args[place + 1], args[:place] + args[place + 2 :]
        if arg.startswith("--competition="):
            return arg.partition("=")[2], args[:place] + args[place + 1 :]
    return "", args
