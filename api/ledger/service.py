"""What a team's quota was spent on, what was given back, and what was granted."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller
from api.ledger.schemas import EntryKind, LedgerEntry, LedgerView
from core.db.models.contests import Competition, Team
from core.db.models.lifecycle import QuotaGrant
from core.db.queries import ledger, teams
from core.domain.errors import NotFound
from core.domain.submission import Verdict

GIVEN_BACK = {
    Verdict.PLATFORM_ERROR: "failed by the platform's own fault",
    Verdict.REJECTED: "was refused before it ran",
}
STOPPED = "was stopped by the organizers"
MOST = 1000  # submissions, and grants; what is older is left out


def load_own(session: Session, slug: str, caller: Caller) -> LedgerView:
    competition = load_competition(session, slug, caller)
    team = teams.fetch_team_of(session, competition.id, caller.member_id)
    return _make_view(session, competition, team, caller.member_id)


def load_of_team(session: Session, slug: str, name: str, caller: Caller) -> LedgerView:
    """For staff."""
    competition = load_competition(session, slug, caller)
    team = teams.fetch_team_by_name(session, competition.id, name)
    if team is None:
        raise NotFound(
            f"no team named {name!r} in {slug}; people who never submitted may have no team yet", field="team"
        )
    return _make_view(session, competition, team, team.leader_id)


def _make_view(session: Session, competition: Competition, team: Team | None, user_id: str) -> LedgerView:
    charges = ledger.fetch_charges(session, competition.id, user_id, limit=MOST)
    grants = ledger.fetch_grants(session, competition.id, user_id, limit=MOST)
    return LedgerView(
        competition=competition.slug,
        team=team.name if team else "",
        total_limit=competition.total_limit,
        daily_limit=competition.daily_limit,
        charged=len(charges),
        refunded=sum(charge.refunded_at is not None for charge in charges),
        granted=sum(grant.amount for grant in grants),
        items=sorted(_iter_entries(charges, grants), key=lambda entry: entry.at, reverse=True),
    )


def _iter_entries(charges: list[ledger.Charge], grants: list[QuotaGrant]) -> Iterator[LedgerEntry]:
    for charge in charges:
        values = {"submission_id": charge.submission_id}
        yield LedgerEntry(
            at=charge.at, kind=EntryKind.CHARGE, amount=-1, reason=charge.filename, by=charge.user, **values
        )
        if charge.refunded_at is not None:
            why = GIVEN_BACK.get(charge.refunded_verdict, STOPPED) if charge.refunded_verdict else STOPPED
            reason = f"{charge.filename} {why}"
            yield LedgerEntry(at=charge.refunded_at, kind=EntryKind.REFUND, amount=1, reason=reason, by="", **values)
    for grant in grants:
        yield LedgerEntry(
            at=grant.created_at,
            kind=EntryKind.GRANT,
            amount=grant.amount,
            reason=grant.reason,
            by=grant.author,
            submission_id=None,
        )
