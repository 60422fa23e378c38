import pytest

from core.domain.leaderboard import Purpose
from core.domain.owner import Owner, OwnerKind, find_owner, own_as_team, parse_owner


@pytest.mark.parametrize(
    "owner",
    [own_as_team("t1"), Owner(OwnerKind.USER, "u1"), Owner(OwnerKind.REFERENCE, "u1", "team:t1: best.py")],
)
def test_an_owner_is_read_as_it_was_written(owner: Owner) -> None:
    assert parse_owner(str(owner)) == owner


def test_what_is_no_owner_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody"):
        parse_owner("nobody:u1")


def test_a_submission_is_its_teams_a_persons_or_a_reference() -> None:
    assert find_owner(Purpose.RANKED, team_id="t1", user_id="u1", filename="a.py") == own_as_team("t1")
    assert find_owner(Purpose.RANKED, team_id=None, user_id="u1", filename="a.py") == Owner(OwnerKind.USER, "u1")
    reference = find_owner(Purpose.REFERENCE, team_id=None, user_id="u1", filename="a.py")
    assert reference == Owner(OwnerKind.REFERENCE, "u1", "a.py")
