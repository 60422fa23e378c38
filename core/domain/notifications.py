"""What people can be told about, where to, how often it is tried, and which addresses are never called."""

import re
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from core.domain.errors import InvalidInput


class Event(StrEnum):
    """What an account can ask to be told."""

    EVALUATION_FINISHED = "evaluation.finished"
    EVALUATION_REJUDGED = "evaluation.rejudged"
    PLACE_LOST = "place.lost"
    ANNOUNCEMENT_POSTED = "announcement.posted"
    TEAM_INVITED = "team.invited"
    RESULTS_PUBLISHED = "results.published"
    DEADLINE_NEAR = "deadline.near"
    THREAD_ANSWERED = "thread.answered"


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


TEST = "webhook.test"  # on demand, once, and never held against the webhook
CONFIRM = "mail.confirm"  # the only mail to an address that nobody has confirmed
RESET = "password.reset"  # a link that sets a new password
WELCOME = "account.made"  # the same, of an account that an admin made
NOTICE = "account.changed"  # that a password or address was changed: to the address that was there before
WITH_LINK = frozenset({RESET, WELCOME})
ACCOUNT_MAILS = frozenset({RESET, WELCOME, NOTICE})  # nobody unsubscribes from them
TRIED_ONCE = frozenset({TEST})
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 600, 3600, 4 * 3600, 12 * 3600, 24 * 3600))
MAX_WEBHOOKS = 5
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")  # as they are written in an address
MAX_URL = 500
INVITES_TOLD_A_DAY = 20  # inviting and taking back again must not fill a mailbox
CONFIRMATIONS_A_DAY = 5
RESETS_A_DAY = 5  # mails to one account
RESETS_ASKED_AN_HOUR = 10  # from one place
RESET_WITHIN = timedelta(hours=1)
WELCOME_WITHIN = timedelta(days=7)
TESTS_AN_HOUR = 10
OVERLAP_HOURS = 24  # how long the secret before a change signs beside the new one, if nothing else is asked for
MOST_OVERLAP_HOURS = 7 * 24
DEADLINE_TOLD = timedelta(hours=24)  # before it
INBOX_KEPT = timedelta(days=180)
KEPT = timedelta(days=30)  # what was delivered or given up is listed this long

_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
)
_UNICAST6 = IPv6Network("2000::/3")
# tunnels: what looks global may end at a private IPv4 address
_TUNNELS = tuple(ip_network(text) for text in ("2001::/23", "2002::/16", "192.88.99.0/24"))


def find_pause(attempts: int, event: str) -> timedelta | None:
    """How long to wait after this many failed attempts; None: that was the last."""
    if event in TRIED_ONCE or attempts > len(PAUSES):
        return None
    return PAUSES[max(attempts, 1) - 1]


def check_address(address: str, *, field: str = "address") -> None:
    """field: what the form or the request calls it."""
    if len(address) > 254 or not _ADDRESS.fullmatch(address):
        raise InvalidInput(
            "this does not look like an e-mail address; plain `name@host.example` is understood", field=field
        )


def check_url(url: str, *, loopback: bool) -> SplitResult:
    """Refuse what is never called; where the name leads is checked again at every delivery.

    loopback: http to this machine is allowed, for development and tests.
    """
    parts = _split(url)
    host = parts.hostname or ""
    local = loopback and host in ("127.0.0.1", "localhost", "::1")
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        raise InvalidInput("a webhook's address begins with https://", field="url")
    if parts.username or parts.password or parts.fragment:
        raise InvalidInput("a webhook's address has no user, password or #part", field="url")
    if not local and not _names_public_host(host):
        raise InvalidInput("a webhook's address names a host on the public internet", field="url")
    return parts


def is_public(text: str) -> bool:
    """Whether an IP address belongs to a host on the internet: not private, link-local, shared, or a tunnel to one."""
    address = ip_address(text)
    if any(address in network for network in _TUNNELS if network.version == address.version):
        return False
    if isinstance(address, IPv6Address) and address not in _UNICAST6:
        return False  # also every form that wraps an IPv4 address
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_loopback(text: str) -> bool:
    return ip_address(text).is_loopback


def _split(url: str) -> SplitResult:
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or any(sign in url for sign in " \\"):
        raise InvalidInput(f"a webhook's address is at most {MAX_URL} plain characters", field="url")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidInput("this is not an address", field="url") from None
    if not parts.hostname or port == 0:
        raise InvalidInput("a webhook's address names a host, such as https://host.example/path", field="url")
    return parts


def _names_public_host(host: str) -> bool:
    try:
        return is_public(host)
    except ValueError:  # a name, which says little before it is resolved
        return "." in host.strip(".")
