import pytest

from core.domain.review import HOLDING, is_held
from evaluator.flags import FlagCode


def test_what_holds_are_flags() -> None:
    assert set(FlagCode) >= HOLDING


@pytest.mark.parametrize(
    ("fired", "dismissed", "held"),
    [
        ((), (), False),
        (("no_op", "joint_law", "swap_ignored"), (), False),
        (("brought_table",), (), True),
        (("brought_table", "no_op"), ("no_op",), True),
        (("brought_table", "no_op"), ("brought_table",), False),
        (("brought_table", "copied_member"), ("brought_table",), True),
        (("brought_table", "copied_member"), ("brought_table", "copied_member"), False),
    ],
)
def test_an_entry_is_held_until_every_flag_that_holds_it_is_dismissed(
    fired: tuple[str, ...], dismissed: tuple[str, ...], *, held: bool
) -> None:
    assert is_held(fired, dismissed) is held
