"""What admins do with accounts, and the file from which many are made."""

import csv
import io
import re
from dataclasses import dataclass
from enum import StrEnum

from core.domain.access import Role
from core.domain.errors import InvalidInput

MOST_LINES = 1000
MOST_CHARACTERS = 200_000
COLUMNS = ("name", "email", "role")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,38}")
RESERVED_NAMES = frozenset({"platform", "lacuna", "admin", "anonymous"})


class AccountDeed(StrEnum):
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    LOG_OUT = "log_out"
    DROP_FACTOR = "drop_factor"


class AccountState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class ImportOutcome(StrEnum):
    MADE = "made"
    EXISTS = "exists"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A line of the file; `fault` says why it makes no account."""

    line: int
    name: str
    email: str
    role: Role
    fault: str = ""


def read_accounts(text: str) -> list[NewAccount]:
    """Lines of `name,email,role` under their heads; e-mail and role may be left out."""
    if len(text) > MOST_CHARACTERS:
        raise InvalidInput(f"the file has more than {MOST_CHARACTERS:,} characters", field="csv")
    try:
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True))
    except csv.Error as error:
        raise InvalidInput(f"this is no CSV: {error}", field="csv") from None
    heads = [head.strip().lower() for head in rows[0]] if rows else []
    if "name" not in heads or not set(heads) <= set(COLUMNS) or len(set(heads)) < len(heads):
        raise InvalidInput("the first line names the columns: name, and if wanted email and role", field="csv")
    lines = [(number, row) for number, row in enumerate(rows[1:], start=2) if any(cell.strip() for cell in row)]
    if len(lines) > MOST_LINES:
        raise InvalidInput(f"the file has more than {MOST_LINES} lines", field="csv")
    seen: set[str] = set()
    return [_read_line(number, heads, row, seen) for number, row in lines]


def _read_line(number: int, heads: list[str], row: list[str], seen: set[str]) -> NewAccount:
    cells = dict(zip(heads, (cell.strip() for cell in row), strict=False))
    name, email, role = (cells.get(column, "") for column in COLUMNS)
    fault = ""
    if len(row) != len(heads):
        fault = f"has {len(row)} cells, not {len(heads)}"
    elif not NAME.fullmatch(name) or name.lower() in RESERVED_NAMES:
        fault = "this name cannot be given"
    elif name.lower() in seen:
        fault = "stands in the file twice"
    elif role not in ("", *Role):
        fault = f"there is no role {role!r}"
    elif role == Role.ADMIN:
        fault = "an admin is made one by one"
    seen.add(name.lower())
    return NewAccount(number, name, email, Role(role) if role in tuple(Role) else Role.PARTICIPANT, fault)
