"""OpenID Connect with the one provider that the settings name: where to send a browser, and whom it says came back.

The authorization code flow with PKCE. authlib and joserfc check what the provider signed; nothing else of its answer is
believed, and its e-mail address is not even asked for.
"""

import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx2
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from core.domain.errors import NotAuthenticated, NotFound, PlatformFault
from core.domain.notifications import LOOPBACK_HOSTS
from core.settings import Settings

SECONDS = 10.0
LEEWAY_SECONDS = 60
WAY_OUT_SECONDS = 300.0
LABEL_LENGTH = 64
CALLBACK = "/login/provider/callback"
# signatures by the provider's private key only: with HS256 a public key could be abused as the secret
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
_ways_out: dict[str, tuple[float, str]] = {}  # by issuer, of which the settings name one: until when, and where to


@dataclass(frozen=True, slots=True)
class Provider:
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    takes_basic: bool
    end_session_endpoint: str = ""  # where a browser logs out there (RP-Initiated Logout); many providers have none


@dataclass(frozen=True, slots=True)
class Claimed:
    """Who the provider says it is; issuer and subject together never change and are never given to another."""

    subject: str
    label: str


def discover(settings: Settings) -> Provider:
    if not settings.has_provider:
        raise NotFound("this server has no log-in provider; log in with name and password")
    _check_place(settings, "issuer", settings.oidc_issuer)
    document = _fetch(f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration")
    if document.get("issuer") != settings.oidc_issuer:
        raise PlatformFault(f"the provider calls itself {document.get('issuer')!r}, not {settings.oidc_issuer!r}")
    methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    names = ["authorization_endpoint", "token_endpoint", "jwks_uri"]
    names += ["end_session_endpoint"] if document.get("end_session_endpoint") else []
    places = {name: document.get(name) for name in names}
    return Provider(
        issuer=settings.oidc_issuer,
        takes_basic="client_secret_basic" in methods,
        **{name: _check_place(settings, name, place) for name, place in places.items()},
    )


def make_url(settings: Settings, provider: Provider, *, state: str, nonce: str, verifier: str) -> str:
    """Where the browser is sent to log in."""
    query = {
        "response_type": "code",
        "client_id": settings.oidc_client_id,
        "redirect_uri": settings.resolved_public_url + CALLBACK,
        "scope": "openid profile",
        "state": state,
        "nonce": nonce,
        "code_challenge": create_s256_code_challenge(verifier),
        "code_challenge_method": "S256",
    }
    joint = "&" if urlsplit(provider.authorization_endpoint).query else "?"
    return f"{provider.authorization_endpoint}{joint}{urlencode(query)}"


def make_logout_url(settings: Settings) -> str:
    """Where a browser logs out at the provider and comes back from; empty if the provider names no such place, or is
    away: logging out here does not depend on it.

    Without the identity token as a hint, which is not kept: the provider may ask its user once more.
    """
    place = _find_way_out(settings)
    query = {"client_id": settings.oidc_client_id, "post_logout_redirect_uri": settings.resolved_public_url + "/"}
    return f"{place}{'&' if urlsplit(place).query else '?'}{urlencode(query)}" if place else ""


def _find_way_out(settings: Settings) -> str:
    """Asked by anybody, as often as they like: the provider is asked once in a while."""
    until, place = _ways_out.get(settings.oidc_issuer, (0.0, ""))
    now = time.monotonic()
    if now < until:
        return place
    _ways_out[settings.oidc_issuer] = now + WAY_OUT_SECONDS, place  # whoever comes meanwhile does not ask, too
    with suppress(PlatformFault):
        place = discover(settings).end_session_endpoint
        _ways_out[settings.oidc_issuer] = now + WAY_OUT_SECONDS, place
    return place


def redeem(settings: Settings, provider: Provider, *, code: str, nonce: str, verifier: str) -> Claimed:
    """Exchange the code for a signed statement of who logged in, and check it."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": settings.resolved_public_url + CALLBACK,
        "code_verifier": verifier,
    }
    auth = None
    if provider.takes_basic:  # RFC 6749, 2.3.1: both are form-encoded first
        auth = httpx2.BasicAuth(quote(settings.oidc_client_id, safe=""), quote(settings.oidc_client_secret, safe=""))
    else:
        form |= {"client_id": settings.oidc_client_id, "client_secret": settings.oidc_client_secret}
    answer = _fetch(provider.token_endpoint, form, auth)
    return _verify(settings, answer, _fetch(provider.jwks_uri), nonce=nonce)


def _verify(settings: Settings, answer: Mapping[str, Any], keys: Mapping[str, Any], *, nonce: str) -> Claimed:
    try:
        token = jwt.decode(str(answer["id_token"]), KeySet.import_key_set(keys), algorithms=ALGORITHMS)  # type: ignore[arg-type]
        claims = CodeIDToken(
            token.claims,
            token.header,
            options={
                "iss": {"essential": True, "value": settings.oidc_issuer},
                "aud": {"essential": True, "value": settings.oidc_client_id},
                "sub": {"essential": True},
            },
            params={
                "nonce": nonce,
                "client_id": settings.oidc_client_id,
                "access_token": answer.get("access_token"),
            },
        )
        claims.validate(leeway=LEEWAY_SECONDS)
        subject = claims["sub"]
    except (JoseError, KeyError, TypeError, ValueError) as error:
        reason = getattr(error, "error", "") or type(error).__name__
        raise NotAuthenticated(f"the log-in provider's answer cannot be trusted ({reason}); try again") from None
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise NotAuthenticated("the log-in provider names nobody; try again")
    label = str(claims.get("preferred_username") or claims.get("name") or "")
    return Claimed(subject, "".join(filter(str.isprintable, label))[:LABEL_LENGTH])


@cache
def _trust() -> ssl.SSLContext:
    """Reading the machine's certificates takes longer than asking."""
    return httpx2.create_ssl_context()


def _check_place(settings: Settings, name: str, place: object) -> str:
    parts = urlsplit(place) if isinstance(place, str) else urlsplit("")
    local = not settings.production and parts.hostname in LOOPBACK_HOSTS
    if parts.scheme == "https" or (local and parts.scheme == "http"):
        return str(place)
    raise PlatformFault(f"the log-in provider's {name} does not begin with https://")


def _fetch(url: str, form: Mapping[str, str] | None = None, auth: httpx2.BasicAuth | None = None) -> dict[str, Any]:
    try:
        with httpx2.Client(auth=auth, verify=_trust(), timeout=SECONDS, follow_redirects=False) as client:
            response = client.get(url) if form is None else client.post(url, data=dict(form))
        body = response.json()
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise PlatformFault(f"the log-in provider does not answer at {url}: {type(error).__name__}") from None
    if form is not None and response.status_code in (400, 401):
        raise NotAuthenticated("the log-in provider did not take the code; log in again")
    if response.status_code != 200 or not isinstance(body, dict):
        raise PlatformFault(f"the log-in provider answered {response.status_code} at {url}")
    return body
