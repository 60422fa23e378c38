"""The last lines of a converted notebook: they pass our arguments on as the notebook's own call passes its own."""

from collections.abc import Collection

from core.domain.intake.calls import ROLES, OwnCall
from core.domain.intake.report import ENTRY_FUNCTION, Note, list_names, show

WRAPPER = """

# As the notebook's own call has it: {call}
def _lacuna_bind(function):
    @_lacuna_functools.wraps(function)
    def bound(*given, **options):
        {names}return function({order}, *given[4:], **options)

    return bound


{bound}
"""


def write_binding(own: OwnCall, names: Collection[str], functions: Collection[str]) -> str:
    """Python that binds globals and order; empty where nothing has to be bound."""
    if not names and not own.is_reordered:
        return ""
    given = ", ".join(f"{name}=given[{own.names[name]}]" for name in sorted(names))
    order = ", ".join(f"given[{place}]" for place in own.order)
    bound = "\n".join(f"{name} = _lacuna_bind({name})" for name in functions)
    update = f"globals().update({given})\n        " if given else ""
    text = WRAPPER.format(call=show(own.text) or "none", names=update, order=order, bound=bound)
    return f"\n\nimport functools as _lacuna_functools\n{text}"


def describe_binding(own: OwnCall, names: Collection[str], where: str) -> list[Note]:
    if not names and not own.is_reordered:
        return []
    said = [f"{show(name)} is our argument {ROLES[own.names[name]]}" for name in sorted(names)]
    if own.is_reordered:
        said.append(f"the arguments are passed as {list_names([ROLES[place] for place in own.order])}")
    source = own.text or f"def {ENTRY_FUNCTION}(…)"
    return [Note(where, show(source), "; ".join(said))]
