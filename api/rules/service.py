"""Rules are accepted once per account and version, before the first submission under them."""

from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller
from api.rules.schemas import RulesView
from core.db.models.contests import Competition
from core.db.queries import audit, competitions, rules
from core.domain.errors import Conflict, NotFound, RulesNotAccepted


def load_rules(session: Session, slug: str, caller: Caller) -> RulesView:
    return make_view(session, load_competition(session, slug, caller), caller)


def make_view(session: Session, competition: Competition, caller: Caller) -> RulesView:
    row = rules.fetch_rules(session, competition.id)
    if row is None or not row.text:
        return RulesView(version=None, text="", created_at=None, must_accept=False, accepted_at=None)
    found = rules.fetch_acceptance(session, row.id, caller.user_id) if caller.user_id else None
    return RulesView(
        version=row.version,
        text=row.text,
        created_at=row.created_at,
        must_accept=found is None,
        accepted_at=found.accepted_at if found else None,
    )


def accept_rules(session: Session, slug: str, version: int, caller: Caller) -> RulesView:
    competition = competitions.lock_competition(session, load_competition(session, slug, caller).id)
    row = rules.fetch_rules(session, competition.id)
    if row is None or not row.text:
        raise NotFound(f"{slug} has no rules to accept")
    if row.version != version:
        raise Conflict(f"version {version} is not the newest: read version {row.version} at {_address(slug)} first")
    if rules.fetch_acceptance(session, row.id, caller.member_id) is None:
        rules.store_acceptance(session, row.id, caller.member_id)
    return make_view(session, competition, caller)


def write_rules(session: Session, slug: str, text: str, caller: Caller) -> RulesView:
    competition = competitions.lock_competition(session, load_competition(session, slug, caller).id)
    newest = rules.fetch_rules(session, competition.id)
    if text.strip() == (newest.text if newest else ""):
        raise Conflict("the rules already say this; a new version would make everybody accept them again", field="text")
    row = rules.store_rules(session, competition.id, text.strip(), caller.name)
    detail = {"version": row.version, "characters": len(row.text)}
    audit.record(session, actor=caller.name, action="competition.rules", subject=f"competition/{slug}", detail=detail)
    return make_view(session, competition, caller)


def check_accepted(session: Session, competition: Competition, caller: Caller) -> None:
    view = make_view(session, competition, caller)
    if view.must_accept:
        slug = competition.slug
        raise RulesNotAccepted(
            f"accept version {view.version} of the rules of {slug} first: {_address(slug)}, or `lacuna rules {slug}`"
        )


def _address(slug: str) -> str:
    return f"/competitions/{slug}/rules"
