"""A second factor: codes of an app on a phone (RFC 6238), and recovery codes in its place.

Wrong codes are counted by account: whoever guesses them has shown the password before.
"""

import base64
import io
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

import pyotp
import segno
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.security import hash_token
from api.users.addresses import tell_change
from core.db.base import utc_now
from core.db.models.accounts import SecondFactor
from core.db.queries import factors, users
from core.db.session import reading, transaction
from core.domain.errors import Conflict, InvalidInput, NotAuthenticated, SecondFactorNeeded
from core.domain.quota import LOGIN_FAILURES, LOGIN_WINDOW, check_guesses

STEP_SECONDS = 30
DRIFT_STEPS = 1  # that the clock of a phone may be behind or ahead
RECOVERY_CODES = 10
ISSUER = "Lacuna"


@dataclass(frozen=True, slots=True)
class Offer:
    """A secret that waits for its first code."""

    secret: str
    picture: str  # the QR code, an SVG as a data URL


def begin(session: Session, user_id: str, name: str) -> Offer:
    """The same secret until a code of it was shown, so that a second look does not spoil a scanned one."""
    users.lock_user(session, user_id)
    factor = factors.fetch_factor(session, user_id)
    if factor is not None and factor.confirmed_at is not None:
        raise Conflict("this account has a second factor: remove it first")
    if factor is None:
        factor = SecondFactor(user_id=user_id, secret=pyotp.random_base32())
        factors.store_factor(session, factor)
    return make_offer(factor.secret, name)


def make_offer(secret: str, name: str) -> Offer:
    out = io.BytesIO()
    address = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)
    segno.make(address, error="m").save(out, kind="svg", scale=5, border=2, light="#fff")
    return Offer(secret, "data:image/svg+xml;base64," + base64.b64encode(out.getvalue()).decode())


def confirm(engine: Engine, user_id: str, code: str) -> list[str]:
    """By the first code; returns the recovery codes, shown this once."""
    _count_guess(engine, user_id)
    with transaction(engine) as session:
        factor = factors.fetch_factor(session, user_id, lock=True)
        if factor is None or factor.confirmed_at is not None:
            raise Conflict("begin with a new secret first")
        if not _take(factor, code, utc_now()):
            raise InvalidInput(
                "the code does not fit: look at the clock of the phone, and try the next one",
                field="code",
            )
        factor.confirmed_at = utc_now()
        codes = _make_codes(session, user_id)
        tell_change(session, user_id, "a second factor is asked for at every log-in now")
    _forget_guesses(engine, user_id)
    return codes


def check_code(engine: Engine, user_id: str, code: str) -> None:
    """Refuse unless the account has no second factor, or this is a code of it that nobody used before."""
    with reading(engine) as session:
        if not factors.is_confirmed(session, user_id):
            return
    if not code.strip():
        raise SecondFactorNeeded("this account has a second factor: send a code of it, too")
    _count_guess(engine, user_id)
    with transaction(engine) as session:
        factor = factors.fetch_factor(session, user_id, lock=True)
        now = utc_now()
        if factor is not None and not _take(factor, code, now) and not _use_recovery(session, user_id, code, now):
            raise NotAuthenticated("the code is wrong or was used before", field="code")
    _forget_guesses(engine, user_id)


def remove(engine: Engine, user_id: str, code: str) -> None:
    check_code(engine, user_id, code)
    with transaction(engine) as session:
        factors.delete_factor(session, user_id)
        tell_change(session, user_id, "its second factor was removed")


def renew_codes(engine: Engine, user_id: str, code: str) -> list[str]:
    check_code(engine, user_id, code)
    with transaction(engine) as session:
        if not factors.is_confirmed(session, user_id):
            raise Conflict("this account has no second factor")
        return _make_codes(session, user_id)


def _take(factor: SecondFactor, code: str, now: datetime) -> bool:
    """A code of now or of a step beside, later than the last that was taken."""
    digits, step = re.sub(r"\s", "", code), int(now.timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(factor.secret)
    for each in range(step - DRIFT_STEPS, step + DRIFT_STEPS + 1):
        fits = digits.isascii() and secrets.compare_digest(totp.at(each * STEP_SECONDS), digits)
        if fits and each > factor.last_step:
            factor.last_step = each
            return True
    return False


def _use_recovery(session: Session, user_id: str, code: str, now: datetime) -> bool:
    return factors.use_code(session, user_id, hash_token(_fold(code)), now)


def _make_codes(session: Session, user_id: str) -> list[str]:
    texts = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY_CODES)]
    factors.store_codes(session, user_id, [hash_token(text) for text in texts])
    return ["-".join(re.findall("....", text)) for text in texts]


def _fold(code: str) -> str:
    return re.sub(r"[\s-]", "", code).lower()


def _tell_place(user_id: str) -> str:
    return f"code {user_id}"


def _count_guess(engine: Engine, user_id: str) -> None:
    """Counted as wrong until it was found right, so that many at once gain nothing."""
    now = utc_now()
    with transaction(engine) as session:
        users.lock_user(session, user_id)
        known = users.count_guesses(session, _tell_place(user_id), now - LOGIN_WINDOW)
        check_guesses(known, free=LOGIN_FAILURES, now=now)
        users.store_guess(session, "", _tell_place(user_id), now)


def _forget_guesses(engine: Engine, user_id: str) -> None:
    with transaction(engine) as session:
        users.forget_guesses(session, "", _tell_place(user_id), before=utc_now() - LOGIN_WINDOW)
