"""What there is to unlearn from: data sets, and their versions, which never change."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db.base import Base, new_id, utc_now
from core.db.models.problems import Leased
from core.domain.data_sets import DataFormat, DataSetStatus
from core.domain.work import WorkState


class DataSet(Base):
    __tablename__ = "data_sets"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    versions: Mapped[list["DataSetVersion"]] = relationship(
        lazy="raise", order_by="DataSetVersion.number", back_populates="data_set"
    )


class DataSetVersion(Leased, Base):
    """One upload. A worker leases it to read it; what it finds is the outcome."""

    __tablename__ = "data_set_versions"
    __table_args__ = (UniqueConstraint("data_set_id", "number"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    data_set_id: Mapped[str] = mapped_column(ForeignKey("data_sets.id"))
    number: Mapped[int]
    format: Mapped[DataFormat]
    note: Mapped[str] = mapped_column(Text, default="")
    named: Mapped[str] = mapped_column(default="")  # which of the server's own sets, for the format `named`
    source_digest: Mapped[str | None]  # of the upload as it came
    outcome: Mapped[DataSetStatus | None]  # ready or refused, once it was read
    reason: Mapped[str] = mapped_column(Text, default="")  # why it was refused
    digest: Mapped[str | None] = mapped_column(index=True)  # of its tensors as they are kept: its identity
    summary: Mapped[dict[str, Any] | None]  # counts and shapes
    created_by: Mapped[str]  # a name: accounts may go
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    revoked_at: Mapped[datetime | None]
    revoked_reason: Mapped[str] = mapped_column(Text, default="")
    data_set: Mapped[DataSet] = relationship(lazy="raise", back_populates="versions")

    @property
    def status(self) -> DataSetStatus:
        if self.revoked_at is not None:
            return DataSetStatus.REVOKED
        if self.outcome is not None:
            return self.outcome
        return DataSetStatus.VALIDATING if self.state == WorkState.LEASED else DataSetStatus.UPLOADED
