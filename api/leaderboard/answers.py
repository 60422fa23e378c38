"""What every board is asked for, the public one and the final one, and how it answers as a table."""

from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import AfterValidator, AwareDatetime
from sqlalchemy.orm import Session

from api.conditional import answer
from api.leaderboard import service
from api.leaderboard.views import BoardView, make_etag
from core.domain.moments import to_utc
from core.domain.phases import PhaseKind

CSV_CONTENT: dict[str, Any] = {"content": {"text/csv": {"schema": {"type": "string"}}}}
CHANGES = 50
MostChanges = Annotated[int, Query(ge=1, le=500)]
BeforeVersion = Annotated[int | None, Query(ge=1, lt=1 << 31, description="version of the last one seen")]
AsOf = Annotated[
    Annotated[AwareDatetime, AfterValidator(to_utc)] | None,
    Query(description="the board as it stood then, with its zone: `…Z`"),
]
OfPhase = Annotated[
    Literal[PhaseKind.PUBLIC, PhaseKind.PRIVATE] | None,
    Query(description="left out: the final board (`private`) once it is published, the public one before"),
]


def wants_csv(accept: str) -> bool:
    return "text/csv" in accept and "application/json" not in accept


def answer_csv(session: Session, view: BoardView, if_none_match: str) -> Response:
    kind = "final" if view.phase is PhaseKind.PRIVATE else "leaderboard"
    name = f"{view.competition.slug}-{kind}-{view.version}.csv"
    as_file = {"Content-Disposition": f'attachment; filename="{name}"'}
    return answer(
        make_etag(view, "csv"), if_none_match, "text/csv", lambda: service.write_board(session, view), **as_file
    )
