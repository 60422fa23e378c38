"""What admins do with accounts: look, give roles, suspend, hand out links, import; all of it in the audit log."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from api.deps import Caller
from api.directory.schemas import (
    AccountImport,
    AccountImportResult,
    AccountList,
    AccountView,
    ImportedAccount,
    ResetLink,
    RoleChange,
)
from api.paging import cut_page
from api.security import NO_PASSWORD, UNSET_PASSWORD
from api.users.addresses import make_address, tell_change
from api.users.recovery import end_access, make_link
from core.db.base import utc_now
from core.db.models.accounts import User
from core.db.models.notifications import MailAddress
from core.db.queries import audit, deliveries, factors, notifications, users
from core.domain.access import Role
from core.domain.accounts import AccountDeed, AccountState, ImportOutcome, NewAccount, read_accounts
from core.domain.errors import Conflict, InvalidInput, NotFound
from core.domain.notifications import RESET, WELCOME, WELCOME_WITHIN, check_address
from core.settings import Settings


def list_accounts(
    session: Session, *, text: str, role: Role | None, state: AccountState | None, before: str | None, limit: int
) -> AccountList:
    suspended = None if state is None else state is AccountState.SUSPENDED
    rows = users.fetch_users(session, text=text, role=role, suspended=suspended, before=before, limit=limit + 1)
    page = cut_page(rows, limit, lambda row: row[0].id)
    return AccountList(items=[make_view(user, mail) for user, mail in page.rows], next_before=page.next)


def change_role(session: Session, name: str, change: RoleChange, caller: Caller) -> AccountView:
    user = _lock(session, name, caller)
    if user.role == change.role:
        raise Conflict(f"{name} is {change.role} already", field="role")
    detail = {"role": [user.role, change.role], "reason": change.reason}
    user.role = change.role
    _record(session, caller, "user.role", name, detail)
    tell_change(session, user.id, f"its role is {change.role} now")
    return make_view(user, notifications.fetch_mail(session, user.id))


def act(session: Session, name: str, deed: AccountDeed, reason: str, caller: Caller) -> AccountView:
    user = _lock(session, name, caller)
    if deed is AccountDeed.LOG_OUT:
        end_access(session, user.id)
    elif deed is AccountDeed.DROP_FACTOR:
        _drop_factor(session, user)
    elif (user.suspended_at is not None) == (deed is AccountDeed.SUSPEND):
        raise Conflict(f"{name} is {'suspended' if user.suspended_at else 'not suspended'}")
    elif deed is AccountDeed.SUSPEND:
        user.suspended_at, user.suspended_reason = utc_now(), reason
        end_access(session, user.id)
    else:
        user.suspended_at, user.suspended_reason = None, ""
    _record(session, caller, f"user.{deed}", name, {"reason": reason})
    return make_view(user, notifications.fetch_mail(session, user.id))


def hand_out_link(session: Session, settings: Settings, name: str, reason: str, caller: Caller) -> ResetLink:
    """By mail where the account has an address that leads back, else for the admin to hand over."""
    user = _lock(session, name, caller)
    if user.suspended_at is not None:
        raise Conflict(f"{name} is suspended: reinstate it first")
    if user.password_hash == NO_PASSWORD:
        raise Conflict(f"{name} has no password; its log-in provider lets it in")
    mail = notifications.fetch_mail(session, user.id)
    is_mailed = settings.sends_mail and mail is not None and mail.recovers and mail.confirmed_at is not None
    _record(session, caller, "user.reset", name, {"by_mail": is_mailed, "reason": reason})
    if is_mailed and mail is not None:
        deliveries.store_delivery(session, user.id, RESET, {}, target=mail.address)
        return ResetLink(sent_to=mail.address, link=None)
    tell_change(session, user.id, "an admin made a link that sets a new password")
    return ResetLink(sent_to=None, link=make_link(session, settings, user))


def import_accounts(
    session: Session, settings: Settings, request: AccountImport, caller: Caller
) -> AccountImportResult:
    lines = read_accounts(request.csv)
    items = [_import_one(session, settings, each, dry_run=request.dry_run) for each in lines]
    made = [item.name for item in items if item.outcome is ImportOutcome.MADE]
    if made and not request.dry_run:
        _record(session, caller, "user.import", "import", {"made": len(made), "names": made, "reason": request.reason})
    return AccountImportResult(dry_run=request.dry_run, items=items)


def make_view(user: User, mail: MailAddress | None) -> AccountView:
    return AccountView(
        id=user.id,
        name=user.name,
        role=user.role,
        created_at=user.created_at,
        suspended_at=user.suspended_at,
        suspended_reason=user.suspended_reason,
        address=mail.address if mail else None,
        address_confirmed_at=mail.confirmed_at if mail else None,
        has_password=user.password_hash not in (NO_PASSWORD, UNSET_PASSWORD),
    )


def _import_one(session: Session, settings: Settings, new: NewAccount, *, dry_run: bool) -> ImportedAccount:
    outcome, detail = _judge(session, new)
    link = None
    if outcome is ImportOutcome.MADE:
        is_mailed = bool(new.email) and settings.sends_mail
        detail = "a mail with a link was sent" if is_mailed else "hand over the link"
        if dry_run:
            detail = "would be made; " + ("a mail with a link is sent" if is_mailed else "a link is shown once")
        else:
            user = User(name=new.name, password_hash=UNSET_PASSWORD, role=new.role)
            users.store_user(session, user)
            link = _welcome(session, settings, user, new.email)
    return ImportedAccount(line=new.line, name=new.name, role=new.role, outcome=outcome, detail=detail, link=link)


def _judge(session: Session, new: NewAccount) -> tuple[ImportOutcome, str]:
    if new.fault:
        return ImportOutcome.REFUSED, new.fault
    if users.fetch_user_by_folded_name(session, new.name) is not None:
        return ImportOutcome.EXISTS, "there is such an account; it stays as it is"
    try:
        if new.email:
            check_address(new.email)
    except InvalidInput as error:
        return ImportOutcome.REFUSED, error.message
    return ImportOutcome.MADE, ""


def _welcome(session: Session, settings: Settings, user: User, email: str) -> str | None:
    if email and settings.sends_mail:
        notifications.store_mail(session, make_address(user.id, email, recovers=True))
        deliveries.store_delivery(session, user.id, WELCOME, {}, target=email)
        return None
    return make_link(session, settings, user, life=WELCOME_WITHIN)


def _lock(session: Session, name: str, caller: Caller) -> User:
    """Nobody takes the own role or access away: the last admin would be gone."""
    user = users.lock_user_by_name(session, name)
    if user is None:
        raise NotFound(f"no account named {name!r}")
    if user.id == caller.user_id:
        raise Conflict("this is your own account: another admin can do that")
    return user


def _drop_factor(session: Session, user: User) -> None:
    """For whoever lost phone and recovery codes; the password is asked for as before."""
    if factors.fetch_factor(session, user.id) is None:
        raise Conflict(f"{user.name} has no second factor")
    factors.delete_factor(session, user.id)
    end_access(session, user.id)
    tell_change(session, user.id, "an admin removed its second factor; every log-in and token has ended")


def _record(session: Session, caller: Caller, action: str, name: str, detail: Mapping[str, object]) -> None:
    audit.record(session, actor=caller.name, action=action, subject=f"user/{name}", detail=detail)
