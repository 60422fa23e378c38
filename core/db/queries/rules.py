"""SQL about the rules of competitions and who accepted them."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.models.lifecycle import RulesAcceptance, RulesVersion


def fetch_rules(session: Session, competition_id: str) -> RulesVersion | None:
    """The newest version."""
    query = select(RulesVersion).where(RulesVersion.competition_id == competition_id)
    return session.scalars(query.order_by(RulesVersion.version.desc()).limit(1)).one_or_none()


def store_rules(session: Session, competition_id: str, text: str, author: str) -> RulesVersion:
    """Write the next version; the caller holds the competition's lock."""
    newest = fetch_rules(session, competition_id)
    version = newest.version + 1 if newest else 1
    row = RulesVersion(competition_id=competition_id, version=version, text=text, author=author)
    session.add(row)
    session.flush()
    return row


def fetch_acceptance(session: Session, rules_id: str, user_id: str) -> RulesAcceptance | None:
    query = select(RulesAcceptance).where(RulesAcceptance.rules_id == rules_id, RulesAcceptance.user_id == user_id)
    return session.scalars(query).one_or_none()


def store_acceptance(session: Session, rules_id: str, user_id: str) -> None:
    session.add(RulesAcceptance(rules_id=rules_id, user_id=user_id))
    session.flush()
