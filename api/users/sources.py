"""Where a password comes from: what is counted when it is wrong, so that a stranger's guesses are the stranger's."""

from ipaddress import IPv6Address, ip_address, ip_network

from fastapi import Request
from sqlalchemy import Engine

from api.cookies import read_known_cookie
from api.deps import Caller
from api.security import hash_token
from core.db.queries import users
from core.db.session import reading
from core.settings import Settings

IPV6_PREFIX = 64  # what one customer of a network provider has


def find_source(request: Request, engine: Engine, settings: Settings, caller: Caller, name: str) -> str:
    """The account itself where it is in already, a browser that it was in with before, else the network."""
    if caller.user_id is not None and caller.name == name:
        return tell_account(caller.user_id)
    secret = read_known_cookie(request, settings)
    if secret is not None:
        with reading(engine) as session:
            known = users.fetch_browser_session(session, hash_token(secret))
            if known is not None and known.user.name == name:
                return f"browser {known.id}"
    return find_place(request)


def find_place(request: Request) -> str:
    """The network alone."""
    return tell_network(request.client.host if request.client else "")


def tell_account(user_id: str) -> str:
    return f"account {user_id}"


def tell_network(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return f"network {host}"
    if not isinstance(address, IPv6Address):
        return f"network {address}"
    if address.ipv4_mapped is not None:
        return f"network {address.ipv4_mapped}"
    return f"network {ip_network((int(address), IPV6_PREFIX), strict=False)}"
