"""From a forget request to the training examples that must go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.domain.errors import InvalidInput
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
        return _choose_classes(labels, part, classes)
    if part.kind is RequestKind.STRATIFIED:
        return _draw_from_each(labels, part, range(classes))
    if part.kind is RequestKind.GROUPS:
        return _choose_groups(train, part)
    if part.ids is not None:
        return _choose_ids(train.ids, part.ids, part.outside)
    chosen = np.zeros(len(train.y), np.bool_)
    count = round(float(part.fraction or 0) * len(train.y))
    chosen[np.random.default_rng([part.seed, 3]).permutation(len(train.y))[:count]] = True
    return chosen


def _choose_classes(labels: npt.NDArray[Any], part: ForgetPart, classes: int) -> Chosen:
    for index in list_classes(part):
        if index >= classes:
            raise InvalidInput(
                f"the forget request names class {index}; the data set has the classes 0 to {classes - 1}"
            )
    if part.fraction is None:
        return np.isin(labels, list_classes(part))
    return _draw_from_each(labels, part, list_classes(part))


def _draw_from_each(labels: npt.NDArray[Any], part: ForgetPart, classes: range | tuple[int, ...]) -> Chosen:
    """The request's share of every class, each drawn after the other."""
    chosen = np.zeros(len(labels), np.bool_)
    rng = np.random.default_rng([part.seed, 4])
    for index in classes:
        rows = rng.permutation(np.flatnonzero(labels == index))
        chosen[rows[: round(float(part.fraction or 0) * len(rows))]] = True
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
    return np.isin(column, np.random.default_rng([part.seed, 7]).permutation(known)[:count])


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
