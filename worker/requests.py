"""From a forget request to the training examples that must go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from core.domain.errors import InvalidInput
from core.domain.seeds import is_drawn
from core.problem_parts import ForgetPart, Labels, Outside, RequestKind

SHOWN = 5
Chosen = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Training:
    """The training part as requests see it: N examples."""

    y: npt.NDArray[Any]  # (N,) targets, noise included
    true_y: npt.NDArray[Any]  # (N,) before label noise
    ids: npt.NDArray[np.int64]  # (N,)
    groups: Mapping[str, npt.NDArray[np.int64]]  # (N,) of each column that the data set has beside its examples
    free: Chosen | None = None  # (N,) what other requests leave to one that draws; None: everything

    @property
    def may_draw(self) -> Chosen:
        return np.ones(len(self.ids), np.bool_) if self.free is None else self.free


def choose_requests(train: Training, parts: Sequence[ForgetPart], *, classes: int) -> list[Chosen]:
    """(N,) which examples each of several requests takes, no example twice; raises InvalidInput in one line.

    Those that name their examples come first; the others draw, in their order, from what is left.
    """
    taken: Chosen = np.zeros(len(train.ids), np.bool_)
    found: dict[int, Chosen] = {}
    for place in sorted(range(len(parts)), key=lambda place: is_drawn(parts[place].model_dump())):
        try:
            chosen = choose_forget(replace(train, free=~taken), parts[place], classes=classes)
        except InvalidInput as error:
            raise InvalidInput(f"request {place + 1}: {error.message}") from None
        twice = next((other for other, mine in found.items() if (mine & chosen).any()), None)
        if twice is not None:
            count, (first, second) = int((found[twice] & chosen).sum()), sorted((twice, place))
            raise InvalidInput(
                f"requests {first + 1} and {second + 1} ask for the same {count} examples: no example may go twice"
            )
        found[place] = chosen
        taken = taken | chosen
    return [found[place] for place in range(len(parts))]


def choose_forget(train: Training, part: ForgetPart, *, classes: int) -> Chosen:
    """(N,) which examples go; raises InvalidInput in one line if these are none, all, or not there."""
    chosen = _choose(train, part, classes)
    if part.together is not None:
        column = _find_column(train, part.together)
        chosen = np.isin(column, np.unique(column[chosen]))
    if not chosen.any():
        raise InvalidInput("the forget request selects no example")
    if chosen.all():
        raise InvalidInput("the forget request selects every training example; nothing is left to retain")
    return chosen


def settle_classes(part: ForgetPart, names: Sequence[str]) -> ForgetPart:
    """The same request with classes by their place; raises InvalidInput for a name that the data set has not."""
    places = {name: place for place, name in enumerate(names)}
    for named in part.named_classes:
        if isinstance(named, str) and named not in places:
            shown = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
            raise InvalidInput(f"the forget request names the class {named!r}; the data set has {shown}")
    if not part.named_classes:
        return part
    found = [each if isinstance(each, int) else places[each] for each in part.named_classes]
    return part.model_copy(update={"classes": found} if part.class_index is None else {"class_index": found[0]})


def list_classes(part: ForgetPart) -> tuple[int, ...]:
    """Of a settled request."""
    return tuple(each for each in part.named_classes if isinstance(each, int))


def _choose(train: Training, part: ForgetPart, classes: int) -> Chosen:
    labels = train.true_y if part.labels is Labels.TRUE else train.y
    if part.named_classes:
        return _choose_classes(labels, part, classes, train.may_draw)
    if part.kind is RequestKind.STRATIFIED:
        return _draw_from_each(labels, part, range(classes), train.may_draw)
    if part.kind is RequestKind.GROUPS:
        return _choose_groups(train, part)
    if part.ids is not None:
        return _choose_ids(train.ids, part.ids, part.outside)
    count = round(float(part.fraction or 0) * len(train.y))
    chosen = np.zeros(len(train.y), np.bool_)
    chosen[_draw(train.may_draw, np.random.default_rng([part.seed, 3]).permutation(len(train.y)), count)] = True
    return chosen


def _draw(free: Chosen, order: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """The first of these places that are free; raises InvalidInput where too few are."""
    left = order[free[order]]
    if len(left) < count:
        raise InvalidInput(f"{count} examples are to be drawn, and the other requests leave {len(left)}")
    return left[:count]


def _choose_classes(labels: npt.NDArray[Any], part: ForgetPart, classes: int, free: Chosen) -> Chosen:
    for index in list_classes(part):
        if index >= classes:
            raise InvalidInput(
                f"the forget request names class {index}; the data set has the classes 0 to {classes - 1}"
            )
    if part.fraction is None:
        return np.isin(labels, list_classes(part))
    return _draw_from_each(labels, part, list_classes(part), free)


def _draw_from_each(
    labels: npt.NDArray[Any], part: ForgetPart, classes: range | tuple[int, ...], free: Chosen
) -> Chosen:
    """The request's share of every class, each drawn after the other."""
    chosen = np.zeros(len(labels), np.bool_)
    rng = np.random.default_rng([part.seed, 4])
    for index in classes:
        rows = rng.permutation(np.flatnonzero(labels == index))
        chosen[_draw(free, rows, round(float(part.fraction or 0) * len(rows)))] = True
    return chosen


def _choose_groups(train: Training, part: ForgetPart) -> Chosen:
    """Everybody with one of the values, or all examples of so many of the groups, drawn at random."""
    column = _find_column(train, part.column or "")
    known = np.unique(column)
    if part.values is not None:
        missing = sorted(set(part.values) - set(known.tolist()))
        if missing:
            raise InvalidInput(f"no training example has {part.column} {_list_first(missing)}")
        return np.isin(column, part.values)
    count = round(float(part.fraction or 0) * len(known))
    order = np.random.default_rng([part.seed, 7]).permutation(known)
    left = order[~np.isin(order, column[~train.may_draw])]
    if len(left) < count:
        raise InvalidInput(f"{count} groups of {part.column} are to be drawn, and the other requests leave {len(left)}")
    return np.isin(column, left[:count])


def _find_column(train: Training, name: str) -> npt.NDArray[np.int64]:
    if name not in train.groups:
        there = ", ".join(train.groups) or "none"
        raise InvalidInput(f"the forget request goes by the column {name!r}; the data set has {there}")
    return train.groups[name]


def _choose_ids(known: npt.NDArray[np.int64], ids: list[int], outside: Outside) -> Chosen:
    if len(set(ids)) != len(ids):
        raise InvalidInput("the forget request names an example twice")
    unknown = sorted(set(ids) - set(known.tolist()))
    if unknown and outside is Outside.REFUSED:
        raise InvalidInput(
            f"the forget request names examples that are not in the training part: {_list_first(unknown)}"
        )
    return np.isin(known, ids)


def _list_first(values: list[int]) -> str:
    return ", ".join(map(str, values[:SHOWN])) + (", …" if len(values) > SHOWN else "")
