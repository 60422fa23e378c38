"""SQL about whole tables, for backups: every row as plain JSON, in one form for every kind of database."""

import base64
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Enum,
    LargeBinary,
    String,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    inspect,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session

from core.db.base import Base, UtcDateTime
from core.db.models.data_sets import DataSetVersion
from core.db.models.operations import AuditHead
from core.db.models.problems import PoolChunk, Problem
from core.db.models.submissions import Evaluation, Shard, Submission
from core.domain.work import WorkState

AT_ONCE = 500
REVISIONS = "alembic_version"
FREED = "its worker was left behind when the platform was restored from a backup"


def list_tables() -> list[Table]:
    """Each table after those that it refers to."""
    return Base.metadata.sorted_tables


def fetch_revision(session: Session) -> str | None:
    """The revision of the database's schema; None where there is no table of ours."""
    if not inspect(session.connection()).has_table(REVISIONS):
        return None
    return session.scalars(text(f"SELECT version_num FROM {REVISIONS}")).one_or_none()  # noqa: S608


def find_content(session: Session) -> str | None:
    """Name a table that holds more than a new database does, or that is not ours; None if there is none."""
    found = set(inspect(session.connection()).get_table_names()) - {REVISIONS}
    ours = {table.name: table for table in list_tables()}
    if strange := sorted(found - ours.keys()):
        return strange[0]
    for name in sorted(found - {AuditHead.__tablename__}):
        if session.scalar(select(exists(select(text("1")).select_from(ours[name])))):
            return name
    return None


def iter_rows(session: Session, table: Table) -> Iterator[list[Any]]:
    """Values in the order of the table's columns, as JSON can hold them."""
    keys = list(table.primary_key.columns)
    query = select(*map(_read, table.columns)).order_by(*keys).execution_options(yield_per=AT_ONCE)
    for row in session.execute(query):
        yield [_dump(value) for value in row]


def add_rows(session: Session, table: Table, rows: Iterable[list[Any]]) -> int:
    """Write what `iter_rows` read; return how many there were."""
    values = {column.name: _bind(session, column) for column in table.columns}
    statement, waiting, count = insert(table).values(values), iter(rows), 0
    while batch := list(islice(waiting, AT_ONCE)):
        session.execute(statement, [_name_values(table, row) for row in batch])
        count += len(batch)
    return count


def clear_born(session: Session) -> None:
    """Take away the row that a new database is made with."""
    session.execute(delete(AuditHead))


def set_sequences(session: Session) -> None:
    """PostgreSQL counts ids apart from the rows; SQLite looks at them."""
    if session.get_bind().dialect.name != "postgresql":
        return
    for table in list_tables():
        if (column := table.autoincrement_column) is not None:
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            session.execute(select(func.setval(sequence, func.max(column))))


def free_work(session: Session) -> int:
    """End every lease, for its holder is not here; return how many there were."""
    freed = 0
    for model in (Shard, PoolChunk, DataSetVersion):
        held = select(model.id).where(model.state == WorkState.LEASED)
        freed += len(session.scalars(held).all())
        values = {"state": WorkState.PENDING, "lease_until": None, "fault": FREED}
        session.execute(update(model).where(model.state == WorkState.LEASED).values(values))
    scoring = Evaluation.scoring_until.is_not(None)
    freed += len(session.scalars(select(Evaluation.id).where(scoring)).all())
    session.execute(update(Evaluation).where(scoring).values(scoring_until=None))
    loading = Problem.preparing_until.is_not(None)
    freed += len(session.scalars(select(Problem.id).where(loading)).all())
    session.execute(update(Problem).where(loading).values(preparing_until=None))
    return freed


def fetch_blob_names(session: Session) -> set[str]:
    """Digests of blobs that rows name."""
    columns = (Submission.source_digest, Shard.outputs_digest, DataSetVersion.source_digest, DataSetVersion.digest)
    return {digest for column in columns for digest in session.scalars(select(column).distinct()) if digest}


def _read(column: Column[Any]) -> Any:
    if isinstance(column.type, JSON):
        return cast(column, Text)  # as it was written, byte for byte; and NULL stays another thing than `null`
    is_word = isinstance(column.type, Enum | TypeDecorator) and not isinstance(column.type, UtcDateTime)
    return type_coerce(column, String()) if is_word else column


def _bind(session: Session, column: Column[Any]) -> Any:
    name = _name(column)
    if isinstance(column.type, UtcDateTime | LargeBinary):
        return bindparam(name, type_=column.type)
    if isinstance(column.type, JSON):
        bound = bindparam(name, type_=Text())
        return cast(bound, JSON) if session.get_bind().dialect.name == "postgresql" else bound
    is_word = isinstance(column.type, Enum | TypeDecorator)
    return bindparam(name, type_=String() if is_word else column.type)


def _name(column: Column[Any]) -> str:
    return f"of_{column.name}"  # SQLAlchemy keeps the bare name for itself


def _name_values(table: Table, row: list[Any]) -> dict[str, Any]:
    return {_name(column): _load(column, value) for column, value in zip(table.columns, row, strict=True)}


def _dump(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _load(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column.type, UtcDateTime):
        return datetime.fromisoformat(value)
    return base64.b64decode(value) if isinstance(column.type, LargeBinary) else value
