"""What runs whenever a file is imported and its functions are called, and what would catch it if it failed."""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from core.domain.intake.entry import POSITIONAL_COUNT, is_generator, is_main_guard
from core.domain.intake.folding import Constants, decide, find_constants
from core.domain.intake.names import DEFINITION, get_dotted, iter_eager
from core.domain.intake.report import OPTIONAL_PARAMETERS

EXITS = frozenset({"sys.exit", "exit", "quit", "os._exit", "os.abort"})
EVERYTHING = frozenset({"Exception", "BaseException"})
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
DEPTH_LIMIT = 20  # of calls that are followed
LOOP = (ast.For, ast.AsyncFor, ast.While)
RANGES = frozenset({"range", "trange", "tqdm.trange"})
STEPPED = 3  # bounds of a range with a step of its own
PASSING_ON = frozenset({"enumerate", "list", "tuple", "iter", "reversed", "sorted", "tqdm", "tqdm.tqdm", "zip"})


@dataclass(frozen=True, slots=True)
class Place:
    is_certain: bool = True
    catches: frozenset[str] = frozenset()  # exceptions that are caught around it, by name
    attempt: int = 0  # the line of the `try` in whose body it stands
    rescue: int = 0  # the line of the `try` in whose first handler it stands
    is_inside: bool = False  # of a function

    def is_guarded(self, kinds: Iterable[str]) -> bool:
        return bool(self.catches & EVERYTHING) or not self.catches.isdisjoint(kinds)


@dataclass(frozen=True, slots=True)
class Step:
    """A plain statement, or what a block computes before it is entered."""

    node: ast.AST
    place: Place


@dataclass(frozen=True, slots=True)
class Passed:
    """What is known of the parameters of a function that is called, by their names."""

    loaders: frozenset[str] = frozenset()
    constants: Mapping[str, object] = field(default_factory=dict)


NOTHING = Passed()


def walk(tree: ast.Module, called: Iterable[str] = ()) -> list[Step]:
    """Every statement of a file; called: functions that the platform calls once it is imported."""
    walker = _Walker(tree)
    steps = list(walker.walk(tree.body, Place()))
    for name in called:
        steps += walker.call(name)
    for function, place in walker.waiting:
        if id(function) not in walker.entered:
            steps += walker.walk(function.body, replace(place, is_certain=False, is_inside=True))
    return steps


def iter_sure(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a step that are computed whenever it is: no branch, no body of a comprehension."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, ast.IfExp):
            waiting.append(part.test)
        elif isinstance(part, ast.BoolOp):
            waiting.append(part.values[0])
        elif isinstance(part, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            waiting.append(part.generators[0].iter)
        elif not isinstance(part, ast.Lambda):
            waiting.extend(ast.iter_child_nodes(part))


def ends_here(node: ast.AST) -> bool:
    """`raise`, or a call that ends the process."""
    if isinstance(node, ast.Raise):
        return True
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and get_dotted(node.value.func) in EXITS


class _Walker:
    def __init__(self, tree: ast.Module) -> None:
        self.constants: Constants = find_constants(tree.body)
        self.functions = _find_functions(tree)
        self.own = _list_own(tree)
        self.entered: set[int] = set()
        self.loaders: frozenset[str] = frozenset()  # names here of what surely gives a batch
        self.depth = 0
        self.waiting: list[tuple[ast.FunctionDef | ast.AsyncFunctionDef, Place]] = []

    def walk(self, body: list[ast.stmt], place: Place) -> Iterator[Step]:
        for statement in body:
            yield from self._walk_one(statement, place)
            if ends_here(statement) or isinstance(statement, ast.Return | ast.Break | ast.Continue):
                return
            if place.is_certain and _may_leave(statement):
                place = replace(place, is_certain=False)

    def call(self, name: str) -> Iterator[Step]:
        """As the platform does: by position, with loaders that all hold examples."""
        function = self.functions.get(name)
        if function is not None:
            names = _list_parameters(function)
            constants = _find_defaults(function, {*names[:POSITIONAL_COUNT], *OPTIONAL_PARAMETERS})
            yield from self.enter(name, Place(), Passed(frozenset(names[1:POSITIONAL_COUNT]), constants))

    def enter(self, name: str, place: Place, passed: Passed = NOTHING) -> Iterator[Step]:
        """The body of a function of the file that is called; a generator runs nothing then."""
        function = self.functions.get(name)
        if id(function) in self.entered or not isinstance(function, ast.FunctionDef) or self.depth == DEPTH_LIMIT:
            return
        if is_generator(function):
            return
        self.entered.add(id(function))
        self.depth += 1
        before = self.constants, self.loaders
        stored = _list_stored(function)
        constants = {name: value for name, value in passed.constants.items() if name not in stored}
        self.constants, self.loaders = _hide(self.constants, function) | constants, passed.loaders - stored
        yield from list(self.walk(function.body, replace(place, is_inside=True)))
        self.constants, self.loaders = before
        self.depth -= 1

    def _walk_one(self, statement: ast.stmt, place: Place) -> Iterator[Step]:
        unsure = replace(place, is_certain=False)
        if isinstance(statement, DEFINITION):
            yield from self._define(statement, place)
        elif isinstance(statement, ast.If | ast.While):
            yield from self._branch(statement, place)
        elif isinstance(statement, ast.Try | ast.TryStar):
            yield from self._try(statement, place)
        elif isinstance(statement, ast.With | ast.AsyncWith):
            contexts = [item.context_expr for item in statement.items]
            yield from (step for context in contexts for step in self._take(context, place))
            caught = frozenset(name for context in contexts for name in self._list_suppressed(context))
            yield from self.walk(statement.body, replace(place, catches=place.catches | caught))
        elif isinstance(statement, ast.For | ast.AsyncFor):
            yield from self._take(statement.iter, place)
            yield from self.walk(statement.body, place if self._surely_turns(statement.iter) else unsure)
            yield from self.walk(statement.orelse, unsure)
        elif isinstance(statement, ast.Match):
            yield from self._take(statement.subject, place)
            yield from (step for case in statement.cases for step in self.walk(case.body, unsure))
        else:
            yield from self._take(statement, place)

    def _define(self, statement: ast.stmt, place: Place) -> Iterator[Step]:
        for decorator in getattr(statement, "decorator_list", []):
            yield from self._take(decorator, place)
            if place.is_certain:
                yield from self.enter(get_dotted(decorator) or "", place)
        if isinstance(statement, ast.ClassDef):
            yield from (step for base in statement.bases for step in self._take(base, place))
            yield from self.walk(statement.body, place)
        elif isinstance(statement, FUNCTION):
            defaults = [*statement.args.defaults, *filter(None, statement.args.kw_defaults)]
            yield from (step for default in defaults for step in self._take(default, place))
            self.waiting.append((statement, place))

    def _branch(self, statement: ast.If | ast.While, place: Place) -> Iterator[Step]:
        yield from self._take(statement.test, place)
        truth = False if is_main_guard(statement) or _is_for_types(statement.test) else None
        truth = decide(statement.test, self.constants) if truth is None else truth
        unsure = replace(place, is_certain=False)
        if truth is not False:
            yield from self.walk(statement.body, place if truth else unsure)
        if truth is not True:
            yield from self.walk(statement.orelse, place if truth is False else unsure)

    def _try(self, statement: ast.Try | ast.TryStar, place: Place) -> Iterator[Step]:
        caught = frozenset(
            name for handler in statement.handlers if not _ends(handler.body) for name in _list_caught(handler)
        )
        inside = replace(place, catches=place.catches | caught, attempt=statement.lineno)
        yield from self.walk(statement.body, inside)
        for number, handler in enumerate(statement.handlers):
            rescue = statement.lineno if number == 0 else 0
            yield from self.walk(handler.body, replace(place, is_certain=False, rescue=rescue))
        yield from self.walk(statement.orelse, replace(place, is_certain=False))
        yield from self.walk(statement.finalbody, place)

    def _take(self, node: ast.AST, place: Place) -> Iterator[Step]:
        yield Step(node, place)
        if place.is_certain:
            for part in list(iter_sure(node)):
                if isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
                    yield from self.enter(part.func.id, place, self._find_passed(part))

    def _find_passed(self, call: ast.Call) -> Passed:
        function = self.functions.get(getattr(call.func, "id", ""))
        is_open = any(isinstance(part, ast.Starred) for part in call.args) or any(
            not each.arg for each in call.keywords
        )
        if function is None or is_open:
            return NOTHING
        given = dict(zip(_list_parameters(function), call.args, strict=False))
        given |= {each.arg: each.value for each in call.keywords if each.arg}
        loaders = frozenset(name for name, value in given.items() if getattr(value, "id", "") in self.loaders)
        constants = {name: value.value for name, value in given.items() if isinstance(value, ast.Constant)}
        return Passed(loaders, _find_defaults(function, given) | constants)

    def _list_suppressed(self, context: ast.expr) -> list[str]:
        """What a `with` may swallow: nothing those of libraries do, anything those that the file makes itself."""
        name = get_dotted(context.func) if isinstance(context, ast.Call) else None
        if name is None or name.split(".")[0] in self.own:
            return ["BaseException"]
        if not isinstance(context, ast.Call) or name.split(".")[-1] != "suppress":
            return []
        return [(get_dotted(kind) or "BaseException").split(".")[-1] for kind in context.args]

    def _surely_turns(self, values: ast.expr) -> bool:
        """Whether a loop over this runs at least once."""
        if isinstance(values, ast.List | ast.Tuple | ast.Set):
            return bool(values.elts)
        if isinstance(values, ast.Name):
            return values.id in self.loaders
        if not isinstance(values, ast.Call) or not values.args:
            return False
        name = get_dotted(values.func)
        if name in PASSING_ON:
            return all(map(self._surely_turns, values.args if name == "zip" else values.args[:1]))
        bounds = [self._find_number(part) for part in values.args]
        found = [bound for bound in bounds if bound is not None]
        return name in RANGES and len(found) == len(bounds) < STEPPED and bool(range(*found))

    def _find_number(self, value: ast.expr) -> int | None:
        found = value.value if isinstance(value, ast.Constant) else self.constants.get(getattr(value, "id", ""))
        return found if isinstance(found, int) else None


def _list_own(tree: ast.Module) -> frozenset[str]:
    """Names of classes, functions and values of the file itself."""
    named = {node.name for node in ast.walk(tree) if isinstance(node, DEFINITION)}
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return frozenset(named | {node.id for node in nodes if isinstance(node.ctx, ast.Store)})


def _find_functions(tree: ast.Module) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """Of the file itself; one that is bound more than once is whichever is there at the time."""
    found: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for statement in tree.body:
        if isinstance(statement, FUNCTION):
            if statement.name in found:
                stored.add(statement.name)
            found[statement.name] = statement
    return {name: function for name, function in found.items() if name not in stored}


def _hide(constants: Constants, function: ast.FunctionDef) -> dict[str, object]:
    """A name that a function binds itself is another one there."""
    own = {part.arg for part in ast.walk(function) if isinstance(part, ast.arg)} | _list_stored(function)
    return {name: value for name, value in constants.items() if name not in own}


def _list_parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    return [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]


def _find_defaults(function: ast.FunctionDef | ast.AsyncFunctionDef, given: Collection[str]) -> dict[str, object]:
    """The constants that parameters have where nothing is passed."""
    names, keyword_only = _list_parameters(function), [argument.arg for argument in function.args.kwonlyargs]
    defaults = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
    found = [*defaults.items(), *zip(keyword_only, function.args.kw_defaults, strict=True)]
    return {name: value.value for name, value in found if name not in given and isinstance(value, ast.Constant)}


def _list_stored(function: ast.FunctionDef) -> set[str]:
    nodes = (part for part in ast.walk(function) if isinstance(part, ast.Name))
    return {node.id for node in nodes if not isinstance(node.ctx, ast.Load)}


def _may_leave(statement: ast.stmt) -> bool:
    """Whether what follows in the same body may be skipped; what raises fails anyway."""
    if isinstance(statement, DEFINITION) or not hasattr(statement, "body"):
        return False
    if any(isinstance(node, ast.Expr) and ends_here(node) for node in iter_eager(statement)):
        return True
    nodes: list[tuple[ast.AST, bool]] = [(statement, False)]
    while nodes:
        node, in_loop = nodes.pop()
        if isinstance(node, ast.Return) or (isinstance(node, ast.Break | ast.Continue) and not in_loop):
            return True
        if not isinstance(node, (*DEFINITION, ast.Lambda)):
            nodes.extend((child, in_loop or isinstance(node, LOOP)) for child in ast.iter_child_nodes(node))
    return False


def _ends(body: list[ast.stmt]) -> bool:
    return any(ends_here(statement) for statement in body)


def _list_caught(handler: ast.ExceptHandler) -> list[str]:
    if handler.type is None:
        return ["BaseException"]
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return [(get_dotted(kind) or "BaseException").split(".")[-1] for kind in kinds]


def _is_for_types(test: ast.expr) -> bool:
    return (get_dotted(test) or "").split(".")[-1] == "TYPE_CHECKING"
