"""Which pieces of a notebook `unlearning` needs, which may stay, and what is missing."""

import ast
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from core.domain.intake.effects import BUILTIN_NAMES
from core.domain.intake.report import show
from core.domain.intake.units import LOOPS, Kind, Unit, is_default, is_effect


@dataclass(frozen=True, slots=True)
class Missing:
    name: str
    reason: str
    source: str  # the line that sets it in the notebook, if one does

    def __str__(self) -> str:
        return f"{show(self.name)} ({self.reason})"


@dataclass(frozen=True, slots=True)
class Selection:
    kept: list[Unit]
    left_out: list[tuple[Unit, str]]  # with the reason
    missing: list[Missing]
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class Demand:
    units: set[int]  # indices
    names: dict[str, Unit | None]  # who asked first


def select_units(units: list[Unit], *, roots: tuple[str, ...], given: Collection[str] = ()) -> Selection:
    """Keep what the roots reach and what is harmless; tell why for the rest. given: names that the caller brings."""
    demand = _find_demand(units, roots, given)
    kept = _settle({index for index, unit in enumerate(units) if is_default(unit)} | demand.units, units)
    missing, doubts = _find_missing(units, kept, demand)
    bound = frozenset(name for index in kept for name in units[index].binds) | BUILTIN_NAMES
    left_out = [
        (unit, _explain(unit, is_wanted=index in demand.units, bound=bound))
        for index, unit in enumerate(units)
        if index not in kept and not unit.is_silent
    ]
    return Selection([units[index] for index in sorted(kept)], left_out, missing, doubts)


def _find_demand(units: list[Unit], roots: tuple[str, ...], given: Collection[str]) -> Demand:
    """Walk from the roots over every statement that binds or changes a needed name."""
    by_name = _index_names(units)
    demand = Demand(set(), dict.fromkeys(roots))
    waiting = list(roots)
    while waiting:
        for index in by_name.get(waiting.pop(), []):
            unit = units[index]
            if index in demand.units or unit.obstacle:
                continue
            demand.units.add(index)
            for name in (unit.names.needs | unit.guard_names) - demand.names.keys() - set(given):
                demand.names[name] = unit
                waiting.append(name)
    return demand


def _index_names(units: list[Unit]) -> dict[str, list[int]]:
    by_name: dict[str, list[int]] = {}
    for index, unit in enumerate(units):
        for name in unit.touches:
            by_name.setdefault(name, []).append(index)
    return by_name


def _settle(kept: set[int], units: list[Unit]) -> set[int]:
    """Drop what would fail on import because a name it uses at once is not there, and then what used that."""
    unknown = _find_unknown(units, kept)
    binders = Counter(name for index in kept for name in units[index].binds)
    users: dict[str, list[int]] = {}
    for index in kept:
        for name in units[index].eager - BUILTIN_NAMES:
            users.setdefault(name, []).append(index)
    left = set(kept)
    waiting = [name for name in users if not binders[name] and not unknown(name)]
    while waiting:
        for index in users.get(waiting.pop(), []):
            if index in left:
                left.remove(index)
                binders.subtract(units[index].binds)
                waiting.extend(name for name in units[index].binds if binders[name] <= 0)
    return left


@dataclass(frozen=True, slots=True)
class _Unknown:
    """Names that only a star import can bring."""

    has_star: bool
    bound_somewhere: frozenset[str]

    def __call__(self, name: str) -> bool:
        return self.has_star and name not in self.bound_somewhere


def _find_unknown(units: list[Unit], kept: set[int]) -> _Unknown:
    has_star = any(units[index].is_star_import for index in kept)
    return _Unknown(has_star, frozenset(name for unit in units for name in unit.binds))


def _find_missing(units: list[Unit], kept: set[int], demand: Demand) -> tuple[list[Missing], list[str]]:
    missing: list[Missing] = []
    doubts: list[str] = []
    unknown = _find_unknown(units, kept)
    by_name = _index_names(units)
    keepers = {id(units[index]) for index in kept}
    for name, asker in demand.names.items():
        if asker is None or id(asker) not in keepers or name in BUILTIN_NAMES or unknown(name):
            continue
        binders = by_name.get(name, [])
        lost = [index for index in binders if index not in kept and not is_effect(units[index])]
        available = [index for index in binders if index in kept and name in units[index].gives]
        if not available:
            missing.append(_describe_missing(name, units, kept, lost, asker))
        elif serious := _find_serious_loss(units, name, lost, available):
            missing.append(_describe_missing(name, units, kept, serious, asker))
        elif lost:
            place = units[lost[-1]].cell.locate(units[lost[-1]].node.lineno)
            doubts.append(f"{show(name)} is also set at {place}, which is left out")
    return missing, doubts


def _find_serious_loss(units: list[Unit], name: str, lost: list[int], available: list[int]) -> list[int]:
    """Left-out steps without which the value is another: a load into a kept network, a later unconditional load."""
    if any(units[index].kind in (Kind.DEFINITION, Kind.IMPORT) for index in available):
        return []
    return [
        index
        for index in lost
        if not isinstance(units[index].node, LOOPS)
        and (
            (name in units[index].mutates and index > available[0])
            or (name in units[index].binds and not units[index].guards and index > available[-1])
        )
    ]


def _describe_missing(name: str, units: list[Unit], kept: set[int], lost: list[int], asker: Unit) -> Missing:
    unit = units[lost[-1]] if lost else None
    source = unit.cell.author_lines[unit.node.lineno - 1] if unit is not None else ""
    return Missing(name, _describe_loss(units, kept, lost, asker), show(source))


def _describe_loss(units: list[Unit], kept: set[int], lost: list[int], asker: Unit) -> str:
    needed = f"needed by {_name_unit(asker)}"
    if not lost:
        return f"{needed}, defined nowhere"
    unit = units[lost[-1]]
    bound = frozenset(name for index in kept for name in units[index].binds) | BUILTIN_NAMES
    return f"{needed}, set at {unit.cell.locate(unit.node.lineno)}, which {_explain_loss(unit, bound)}"


def _explain_loss(unit: Unit, bound: frozenset[str]) -> str:
    if unit.obstacle:
        return unit.obstacle
    lacking = sorted(unit.eager - bound)
    return f"uses {show(lacking[0])}, which is left out" if lacking else "uses something that is left out"


def _name_unit(unit: Unit) -> str:
    name = getattr(unit.node, "name", None)
    return show(name) if isinstance(name, str) else unit.cell.locate(unit.node.lineno)


def _explain(unit: Unit, *, is_wanted: bool, bound: frozenset[str]) -> str:
    if unit.obstacle or is_wanted or unit.kind is Kind.DEFINITION:
        return _explain_loss(unit, bound)
    if isinstance(unit.node, LOOPS):
        return "a loop that runs at once; no kept function needs it"
    if isinstance(unit.node, ast.Import | ast.ImportFrom):
        return "nothing that unlearning reaches uses it"
    return "not needed by unlearning"
