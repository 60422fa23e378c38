"""Passwords as argon2 hashes; tokens as random secrets of which only the SHA-256 is kept."""

import hashlib
import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

TOKEN_PREFIX = "lct_"  # noqa: S105 (a recognisable beginning, for secret scanners)
TOKEN_BYTES = 32
NO_PASSWORD = "!"  # noqa: S105 (what stands in place of a hash: only the log-in provider leads in)
UNSET_PASSWORD = "?"  # noqa: S105 (an admin made the account; a link sets the first password)

_hasher = PasswordHasher()
# each hash takes 64 MiB: a burst of log-ins must not be able to exhaust the machine
_places = threading.BoundedSemaphore(2)
# verified when the account does not exist, so that the time of the answer does not tell
_NOBODY = _hasher.hash(secrets.token_hex(16))


def hash_password(password: str) -> str:
    with _places:
        return _hasher.hash(password)


def is_password(password: str, stored: str | None) -> bool:
    """Compare in the same time whether or not there is such an account (None), and whether it has a password."""
    with _places:
        try:
            known = stored not in (None, NO_PASSWORD, UNSET_PASSWORD)
            return _hasher.verify((stored if known else None) or _NOBODY, password) and known
        except (VerificationError, InvalidHashError):
            return False


def make_token(prefix: str = TOKEN_PREFIX) -> str:
    return prefix + secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
