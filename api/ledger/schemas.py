"""A team's quota as a ledger."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field


class EntryKind(StrEnum):
    CHARGE = "charge"  # a submission
    REFUND = "refund"  # of one that ended by our own fault, or that the organizers stopped
    GRANT = "grant"  # by an organizer


class LedgerEntry(BaseModel):
    at: datetime
    kind: EntryKind
    amount: int = Field(description="-1 for a charge; what was given back or granted is positive")
    reason: str
    by: str = Field(description="who submitted, or who granted; empty for a refund")
    submission_id: str | None = Field(description="null for a grant")


class LedgerView(BaseModel):
    competition: str
    team: str = Field(description="empty for who has no team yet")
    total_limit: int | None
    daily_limit: int
    charged: int
    refunded: int
    granted: int
    items: list[LedgerEntry] = Field(description="newest first")
