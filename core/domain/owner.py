"""Whose a line of a board is, whatever its name is now."""

from dataclasses import dataclass
from enum import StrEnum

from core.domain.leaderboard import Purpose


class OwnerKind(StrEnum):
    TEAM = "team"
    USER = "user"  # a person in no team
    REFERENCE = "reference"  # one file of a person: references are many under one account


@dataclass(frozen=True, slots=True)
class Owner:
    kind: OwnerKind
    id: str  # of the team or of the person
    filename: str = ""  # of a reference alone

    def __str__(self) -> str:
        """As it is stored."""
        return ":".join([self.kind, self.id, *([self.filename] if self.kind is OwnerKind.REFERENCE else [])])


def own_as_team(team_id: str) -> Owner:
    return Owner(OwnerKind.TEAM, team_id)


def find_owner(purpose: Purpose, *, team_id: str | None, user_id: str, filename: str) -> Owner:
    """Whose line a submission may become."""
    if purpose == Purpose.REFERENCE:
        return Owner(OwnerKind.REFERENCE, user_id, filename)
    return own_as_team(team_id) if team_id else Owner(OwnerKind.USER, user_id)


def parse_owner(text: str) -> Owner:
    """Read what `str` of an owner wrote."""
    kind, _, rest = text.partition(":")
    if kind != OwnerKind.REFERENCE:
        return Owner(OwnerKind(kind), rest)
    user_id, _, filename = rest.partition(":")
    return Owner(OwnerKind.REFERENCE, user_id, filename)
