"""Declarative base: constraint names that never change, UTC times, ids that sort by creation."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Enum, MetaData, String, TypeDecorator
from sqlalchemy.orm import DeclarativeBase
from uuid_utils import uuid7

from core.db.clock import CLOCK
from core.domain.owner import Owner, parse_owner

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in, aware UTC out, also on SQLite, which keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("times are aware")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _list_values(choices: type[StrEnum]) -> list[str]:
    return [choice.value for choice in choices]


# a plain string in the database and a member of its enum outside; whatever is no member is refused both ways
CHOICE = Enum(StrEnum, native_enum=False, length=None, validate_strings=True, values_callable=_list_values)


class Choices(TypeDecorator[tuple[StrEnum, ...]]):
    """Members of one enum as words separated by blanks."""

    impl = String
    cache_ok = True

    def __init__(self, choices: type[StrEnum]) -> None:
        super().__init__()
        self.choices = choices

    def process_bind_param(self, value: tuple[StrEnum, ...] | None, dialect: Dialect) -> str | None:
        return None if value is None else " ".join(self.choices(each) for each in value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[StrEnum, ...] | None:
        return None if value is None else tuple(map(self.choices, value.split()))


class OwnedBy(TypeDecorator[Owner]):
    """An owner as one string."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Owner | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Owner | None:
        return None if value is None else parse_owner(value)


class Base(DeclarativeBase):
    """Every table's; its relationships raise when they were not asked for, and `Mapped[SomeStrEnum]` is a choice."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012
        dict[str, Any]: JSON,
        datetime: UtcDateTime,
        str: String,
        StrEnum: CHOICE,
        Owner: OwnedBy,
    }


def new_id() -> str:
    return str(uuid7())


def utc_now() -> datetime:
    """The time of the database's clock: core.db.clock."""
    return CLOCK.now()
