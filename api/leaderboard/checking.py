"""Whether the boards of a competition are what their digests say."""

from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller
from api.leaderboard.schemas import BoardCheck, BoardChecks, BoardKind
from core.db.queries import chains, phases


def check_boards(session: Session, slug: str, caller: Caller) -> BoardChecks:
    """Recompute every digest of every board from its first change; it reads each line that ever stood there."""
    competition = load_competition(session, slug, caller)
    private = phases.fetch_private_phase(session, competition.id)
    kinds = {competition.spec_id: BoardKind.PUBLIC} | ({private.spec_id: BoardKind.FINAL} if private else {})
    items = [_check(session, kept, kinds) for kept in chains.fetch_boards(session, competition.id)]
    return BoardChecks(competition=competition.slug, intact=all(item.intact for item in items), items=items)


def _check(session: Session, kept: chains.KeptBoard, kinds: dict[str, BoardKind]) -> BoardCheck:
    found = chains.find_break(session, kept.board)
    return BoardCheck(
        kind=kinds.get(kept.board.spec_id, BoardKind.EARLIER),
        spec_digest=kept.spec_digest,
        version=kept.board.version,
        digest=kept.board.digest,
        changed_at=kept.board.changed_at,
        intact=found is None,
        broken_at=found.version if found else None,
        reason=found.reason if found else "",
    )
