"""Forms in which scorecards were stored, and how each becomes the next."""

from collections.abc import Callable, Mapping
from typing import Any, Final

FORM: Final = 5  # of the record that is written now; 1: what was stored before records named their form
Body = Mapping[str, Any]


def find_form(body: Body) -> int | None:
    """None for what is no form at all."""
    form = body.get("version", 1)
    return form if type(form) is int and 1 <= form < 1000 else None


def upgrade(body: Body, form: int) -> Body:
    """Read it as of today's form; one of a later form stays what it is."""
    for each in range(form, FORM):
        body = _UPGRADES[each](body)
    return body


def _name_form(body: Body) -> Body:
    """Form 1 to 2: records name their form.

    Form 1 grew without saying so: the first ones name one calibration, where later ones name several, and for a while
    the score held its draws, which now stand beside the scorecard.
    """
    named = {**body, "version": 2}
    score, provenance = body.get("score"), body.get("provenance")
    if isinstance(score, Mapping):
        named["score"] = {name: value for name, value in score.items() if name != "draws"}
    if isinstance(provenance, Mapping) and "calibration" in provenance:
        rest = {name: value for name, value in provenance.items() if name != "calibration"}
        named["provenance"] = {**rest, "calibrations": list(filter(None, [provenance["calibration"]]))}
    return named


def _add_clock(body: Body) -> Body:
    """Form 2 to 3: the cost may say which clock it was read from, and how it was paired; before, it did not."""
    return {**body, "version": 3}


def _add_likeness(body: Body) -> Body:
    """Form 3 to 4: points on test and retain examples and the joint view may be there; before, they were not."""
    return {**body, "version": 4}


def _add_pairs(body: Body) -> Body:
    """Form 4 to 5: the score may be a mean over originals and requests; before, it was of one pair, or of one pool."""
    return {**body, "version": 5}


_UPGRADES: Final[Mapping[int, Callable[[Body], Body]]] = {
    1: _name_form,
    2: _add_clock,
    3: _add_likeness,
    4: _add_pairs,
}
