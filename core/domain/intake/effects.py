"""What a statement would do if it ran on import: read files, start programs, print, raise. Judged by name, not run."""

import ast
import builtins
from collections.abc import Iterable
from dataclasses import dataclass, field

from core.domain.intake.device import DEVICE_NAME
from core.domain.intake.names import DEFINITION, get_dotted, get_root, iter_eager

FILE = "reads or writes files"
NETWORK = "needs a network"
PROGRAM = "starts a program or ends this one"
INTERACTIVE = "shows or asks something"

# Prefixes of full names; a name that ends in a letter matches exactly.
CALLS: dict[str, str] = {
    "open": FILE, "io.open": FILE, "torch.load": FILE, "torch.save": FILE, "torch.jit.load": FILE, "json.load": FILE,
    "json.dump": FILE, "pickle.load": FILE, "pickle.dump": FILE, "joblib.load": FILE, "joblib.dump": FILE,
    "numpy.load": FILE, "numpy.loadtxt": FILE, "numpy.genfromtxt": FILE, "numpy.fromfile": FILE, "numpy.save": FILE,
    "pandas.read_": FILE, "torchvision.io.": FILE, "torchvision.datasets.": FILE, "PIL.Image.open": FILE,
    "cv2.imread": FILE, "yaml.safe_load": FILE, "glob.": FILE, "shutil.": FILE, "zipfile.": FILE, "tarfile.": FILE,
    "tempfile.": FILE, "os.makedirs": FILE, "os.mkdir": FILE, "os.listdir": FILE, "os.walk": FILE, "os.scandir": FILE,
    "os.remove": FILE, "os.unlink": FILE, "os.chdir": FILE, "os.rename": FILE, "os.rmdir": FILE, "os.stat": FILE,
    "os.path.getsize": FILE, "safetensors.": FILE,
    "torch.hub.": NETWORK, "requests.": NETWORK, "urllib.": NETWORK, "wget.": NETWORK, "gdown.": NETWORK,
    "kaggle.": NETWORK, "huggingface_hub.": NETWORK, "transformers.": NETWORK, "timm.": NETWORK, "wandb.": NETWORK,
    "socket.": NETWORK, "google.colab.": NETWORK,
    "subprocess.": PROGRAM, "os.system": PROGRAM, "os.popen": PROGRAM, "os.exec": PROGRAM, "os.kill": PROGRAM,
    "sys.exit": PROGRAM, "exit": PROGRAM, "quit": PROGRAM, "os._exit": PROGRAM, "get_ipython": PROGRAM,
    "input": INTERACTIVE, "print": INTERACTIVE, "display": INTERACTIVE, "IPython.": INTERACTIVE,
    "matplotlib.": INTERACTIVE, "pprint.": INTERACTIVE,
}  # fmt: skip
METHODS: dict[str, str] = {
    "read_text": FILE, "read_bytes": FILE, "write_text": FILE, "write_bytes": FILE, "mkdir": FILE, "iterdir": FILE,
    "rglob": FILE, "to_csv": FILE, "savefig": FILE, "extractall": FILE,
}  # fmt: skip
SPECIAL_METHODS = frozenset({"__init__", "__new__", "__post_init__", "__call__"})
BUILTIN_NAMES = frozenset(dir(builtins)) | {
    "display",
    "__file__",
    "__name__",
    "__doc__",
    "__builtins__",
    "__spec__",
    DEVICE_NAME,
}


@dataclass(slots=True)
class Effects:
    """Knows what imported names stand for and which functions of the file do I/O themselves."""

    aliases: dict[str, str]
    definitions: dict[str, list[ast.stmt]]
    entry: str
    _memo: dict[str, str | None] = field(default_factory=dict)

    def find(self, nodes: Iterable[ast.AST]) -> str | None:
        """Why running these must not happen on import, or None; also looks into the file's own functions."""
        for node in nodes:
            for part in iter_eager(node):
                reason = self._judge(part)
                if reason:
                    return reason
        return None

    def _judge(self, node: ast.AST) -> str | None:
        if isinstance(node, ast.Raise | ast.Assert):
            return "raises"
        if isinstance(node, ast.Await):
            return "waits for something"
        if isinstance(node, ast.Call):
            return self._judge_call(node)
        return None

    def _judge_call(self, call: ast.Call) -> str | None:
        dotted = get_dotted(call.func)
        if dotted == self.entry:
            return f"calls {self.entry}; the platform does that"
        if dotted in self.definitions:
            reason = self._judge_definition(dotted)
            return reason and f"calls {dotted}, which {reason}"
        if isinstance(call.func, ast.Attribute) and call.func.attr in METHODS:
            return METHODS[call.func.attr]
        if _wants_download(call) and get_root(call.func) in self.aliases:
            return NETWORK
        return self._judge_name(dotted) if dotted else None

    def _judge_name(self, dotted: str) -> str | None:
        root, dot, rest = dotted.partition(".")
        full = self.aliases.get(root, root) + dot + rest
        matches = [
            known for known in CALLS if full == known or (not known[-1].isalpha() and f"{full}.".startswith(known))
        ]
        return CALLS[max(matches, key=len)] if matches else None

    def _judge_definition(self, name: str) -> str | None:
        if name not in self._memo:
            self._memo[name] = None  # ends recursion
            reasons = (self._judge_body(definition) for definition in self.definitions[name])
            self._memo[name] = next((reason for reason in reasons if reason), None)
        return self._memo[name]

    def _judge_body(self, definition: ast.stmt) -> str | None:
        """What a call would do; printing and raising inside a function are its own affair."""
        bodies: list[ast.AST] = [definition]
        if isinstance(definition, ast.ClassDef):
            bodies = [part for part in definition.body if getattr(part, "name", None) in SPECIAL_METHODS]
        for body in bodies:
            for node in ast.walk(body):
                reason = self._judge_call(node) if isinstance(node, ast.Call) else None
                if reason and reason != INTERACTIVE:
                    return reason
        return None


def find_definitions(statements: list[ast.stmt]) -> dict[str, list[ast.stmt]]:
    found: dict[str, list[ast.stmt]] = {}
    for statement in statements:
        if isinstance(statement, DEFINITION):
            found.setdefault(statement.name, []).append(statement)
    return found


def _wants_download(call: ast.Call) -> bool:
    return any(
        (keyword.arg == "pretrained" and not _is_constant(keyword.value, (False, None)))
        or (
            keyword.arg == "weights"
            and isinstance(keyword.value, ast.Constant)
            and isinstance(keyword.value.value, str)
        )
        for keyword in call.keywords
    )


def _is_constant(node: ast.AST, values: tuple[object, ...]) -> bool:
    return isinstance(node, ast.Constant) and node.value in values
