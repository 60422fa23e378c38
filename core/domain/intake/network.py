"""Calls that ask another machine: there is no network in the sandbox, so they fail unless the code catches it."""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.certain import Step, iter_sure
from core.domain.intake.names import find_aliases, get_dotted
from core.domain.intake.report import show

CALLS = frozenset(
    {
        *(f"requests.{name}" for name in ("get", "post", "put", "head", "request")),
        *(f"urllib.request.{name}" for name in ("urlopen", "urlretrieve")),
        *(f"torch.hub.{name}" for name in ("load", "list", "load_state_dict_from_url", "download_url_to_file")),
        "torch.utils.model_zoo.load_url",
        "socket.create_connection",
    }
)
CAUGHT = (
    *("OSError", "IOError", "EnvironmentError", "ConnectionError", "RuntimeError"),
    *("URLError", "HTTPError", "RequestException", "Timeout", "error", "gaierror"),
)
NETWORKS, DATA = "torchvision.models.", "torchvision.datasets."


def check_network(tree: ast.Module, steps: Iterable[Step], *, locate: Callable[[int], str]) -> None:
    """Raise the fault of a call that certainly asks another machine."""
    for call in find_network(tree, steps):
        message = f"{locate(call.lineno)}: `{_write(call)}` needs a network, and the sandbox has none"
        raise ParticipantFault(FaultCode.FILE_MISSING, message)


def find_network(tree: ast.Module, steps: Iterable[Step]) -> Iterator[ast.Call]:
    aliases = find_aliases([node for node in ast.walk(tree) if isinstance(node, ast.stmt)])
    for step in steps:
        if step.place.is_certain and not step.place.is_guarded(CAUGHT):
            calls = (node for node in iter_sure(step.node) if isinstance(node, ast.Call))
            yield from (call for call in calls if _asks(call, aliases))


def _asks(call: ast.Call, aliases: Mapping[str, str]) -> bool:
    root, dot, rest = (get_dotted(call.func) or "").partition(".")
    if root not in aliases:
        return False
    name = aliases[root] + dot + rest
    options = {keyword.arg: keyword.value for keyword in call.keywords}
    if name.startswith(NETWORKS):
        return _is_on(options.get("pretrained")) or _names_weights(options.get("weights"))
    if name.startswith(DATA):
        return _is_on(options.get("download"))
    is_local = getattr(options.get("source"), "value", "") == "local"
    return name in CALLS and not is_local


def _is_on(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is True


def _names_weights(value: ast.expr | None) -> bool:
    """`weights="DEFAULT"`, `weights=ResNet18_Weights.DEFAULT`."""
    if isinstance(value, ast.Constant):
        return isinstance(value.value, str)
    return isinstance(value, ast.Attribute) and "_Weights." in (get_dotted(value) or "")


def _write(call: ast.Call) -> str:
    return show(get_dotted(call.func) or "")
