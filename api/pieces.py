"""Work that waits and that no evaluation is, as staff read of it: which, since when, on which node, why, what helps."""

from datetime import datetime

from pydantic import BaseModel, Field

from core.db.queries.waiting import PieceKind, WaitingPiece
from core.domain.waiting import Obstacle


class PieceView(BaseModel):
    """Not touched for a minute, and no worker holds it; or given up."""

    kind: PieceKind
    subject: str = Field(description="the competition that waits for it, or `name@number` of an upload")
    name: str
    since: datetime
    waited_seconds: float
    node: str = Field(description="the last that had it; empty if none ever did")
    obstacle: Obstacle = Field(description="what keeps it from moving")
    why: str = Field(description="the same in a sentence")
    command: str = Field(description="what helps")


def make_piece(piece: WaitingPiece, now: datetime) -> PieceView:
    return PieceView(
        kind=piece.kind,
        subject=piece.subject,
        name=piece.name,
        since=piece.since,
        waited_seconds=(now - piece.since).total_seconds(),
        node=piece.node,
        obstacle=piece.wait.obstacle,
        why=piece.wait.staff,
        command=piece.wait.command,
    )
