"""What the tree looks like: files, rooms, levels and two-way imports of each top folder, and the walk of a score.

Imports are those between files of one top folder. A room is a folder directly inside a top folder; a file beside the
rooms is a room of its own. Levels count the files (or rooms) of the longest chain of imports. An import is upward if
its two rooms import each other and this is the rarer direction. The walk counts the functions of ours that
`compute_scorecard` can reach by name, and how often it comes back into the top folder it started in.

Run: python -m bench.bench_tree
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import grimp

TOPS = ("api", "worker", "evaluator", "baselines", "sandbox", "core", "client", "cli", "bench", "migrations")
WALK_FROM = "compute_scorecard"
WIDTH = 15
STATE_WORDS = (
    "pending|leased|done|abandoned|building|sealed|active|retired|queued|canary|running|scoring|finished|cancelling"
    "|practice|public|private|calibration|ranked|reference|draft|preparing|open|closed|archived"
)
RAW_STATE = re.compile(rf"""(?:[=!]=|\bin \(|state=|status=|purpose=|phase=|exposure=)\s*["'](?:{STATE_WORDS})["']""")

Edges = Mapping[str, set[str]]


def main() -> None:
    tops = [top for top in TOPS if Path(top, "__init__.py").exists() or top in ("bench", "migrations")]
    graph = grimp.build_graph(*[top for top in tops if Path(top, "__init__.py").exists()], cache_dir=None)
    heads = ("files", "rooms", "imports", "levels", "room levels", "between rooms", "upward")
    print(f"{'folder':<12}" + "".join(f"{head:>{WIDTH}}" for head in heads))
    for top in tops:
        if Path(top, "__init__.py").exists():
            print(_describe(top, _collect_edges(graph, top)))
    print()
    functions = _read_functions(tops)
    reached = _walk(functions, WALK_FROM)
    home = {name.split(".")[0] for name in functions if name.endswith(f".{WALK_FROM}")}
    back = sum(name.split(".")[0] in home for name in reached)
    print(f"walk of {WALK_FROM}: {len(reached)} functions, {back} of them in {', '.join(sorted(home))}")
    for title, pattern in (
        ("raw state strings", RAW_STATE),
        (".value", re.compile(r"\.value\b")),
        ("dict[str, Any]", re.compile(r"dict\[str, Any\]|Mapping\[str, Any\]")),
        ("body[…] and body.get(…)", re.compile(r"\bbody(?:\[|\.get\()")),
    ):
        counts = Counter({top: len(pattern.findall(_join(top))) for top in tops})
        print(f"{title}: {counts.total()} ({', '.join(f'{top} {n}' for top, n in counts.most_common() if n)})")


def _join(top: str) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in _files(top))


def _files(top: str) -> Iterator[Path]:
    return (path for path in sorted(Path(top).rglob("*.py")) if "starter_files" not in path.parts)


def _collect_edges(graph: grimp.ImportGraph, top: str) -> dict[str, set[str]]:
    inside = {name for name in graph.modules if name == top or name.startswith(f"{top}.")}
    return {name: graph.find_modules_directly_imported_by(name) & inside for name in inside}


def _describe(top: str, edges: Edges) -> str:
    files = [name for name in edges if not _is_package(name)]
    room_edges: dict[str, set[str]] = {_room(name): set() for name in files}
    between: Counter[tuple[str, str]] = Counter()
    for name, targets in edges.items():
        for target in targets:
            pair = (_room(name), _room(target))
            if pair[0] != pair[1]:
                room_edges.setdefault(pair[0], set()).add(pair[1])
                between[pair] += 1
    upward = sum(min(count, between.get((b, a), 0)) for (a, b), count in between.items() if a < b)
    imports = sum(len(targets) for targets in edges.values())
    figures = (len(files), len(room_edges), imports, _levels(edges), _levels(room_edges), between.total(), upward)
    return f"{top:<12}" + "".join(f"{figure:>{WIDTH}}" for figure in figures)


def _is_package(name: str) -> bool:
    return Path(*name.split("."), "__init__.py").exists()


def _room(name: str) -> str:
    return ".".join(name.split(".")[:2])


def _levels(edges: Edges) -> int:
    """Length of the longest chain; what imports each other counts once."""
    known: dict[str, int] = {}

    def depth(name: str, above: frozenset[str]) -> int:
        if name not in known:
            below = [depth(each, above | {name}) for each in edges.get(name, ()) if each not in above | {name}]
            known[name] = 1 + max(below, default=0)
        return known[name]

    return max((depth(name, frozenset()) for name in edges), default=0)


def _read_functions(tops: list[str]) -> dict[str, set[str]]:
    """Every function of ours by its dotted name, with the names it calls resolved through its file's imports."""
    found: dict[str, set[str]] = {}
    for path in (path for top in tops for path in _files(top)):
        module = ".".join(path.with_suffix("").parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = _read_imports(tree)
        names |= {node.name: f"{module}.{node.name}" for node in tree.body if isinstance(node, ast.FunctionDef)}
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                found[f"{module}.{node.name}"] = set(_find_calls(node, names))
    return found


def _read_imports(tree: ast.Module) -> dict[str, str]:
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def _find_calls(node: ast.FunctionDef, names: Mapping[str, str]) -> Iterator[str]:
    for call in (each for each in ast.walk(node) if isinstance(each, ast.Call)):
        target = call.func
        if isinstance(target, ast.Name) and target.id in names:
            yield names[target.id]
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id in names:
            yield f"{names[target.value.id]}.{target.attr}"


def _walk(functions: Mapping[str, set[str]], start: str) -> set[str]:
    waiting = [name for name in functions if name.endswith(f".{start}")]
    reached = set(waiting)
    while waiting:
        for name in functions[waiting.pop()] & functions.keys():
            if name not in reached:
                reached.add(name)
                waiting.append(name)
    return reached


if __name__ == "__main__":
    main()
