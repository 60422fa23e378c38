"""Logging in by a provider: every step of the way, and every way to cheat on it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from joserfc.jwk import ECKey, OctKey
from sqlalchemy import Engine, select, update

from api.security import NO_PASSWORD, hash_token, is_password
from core.db.base import utc_now
from core.db.models.accounts import BrowserSession, Identity, LoginAttempt, User
from core.db.session import reading, transaction
from tests import factories
from tests.unit.api.users.oidc import CLIENT, SECRET, OidcProvider


def begin(visitor: TestClient, path: str = "/login/provider?next=/submissions") -> str:
    answer = visitor.get(path)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def come_back(visitor: TestClient, provider: OidcProvider, subject: str = "s1", **changes: str) -> Any:
    query = provider.log_in(begin(visitor), subject, preferred_username="ann") | changes
    return visitor.get("/login/provider/callback", params=query)


def make_account(visitor: TestClient, provider: OidcProvider, name: str = "ann", subject: str = "s1") -> Any:
    assert come_back(visitor, provider, subject).headers["location"] == "/login/provider/name"
    return visitor.post("/login/provider/name", data={"name": name})


def get_name(visitor: TestClient) -> str | None:
    answer = visitor.get("/api/v1/me")
    return str(answer.json()["name"]) if answer.status_code == 200 else None


def enter(visitor: TestClient, engine: Engine, name: str) -> None:
    """Log in as an account with a password."""
    with transaction(engine) as session:
        user = factories.make_user(session, name)
        user.password_hash = "some hash"
        expires_at = utc_now() + timedelta(hours=1)
        secret = f"lct_{name}"
        session.add(BrowserSession(user_id=user.id, secret_sha256=hash_token(secret), expires_at=expires_at))
    for cookie in [each for each in visitor.cookies.jar if each.name == "lacuna"]:
        visitor.cookies.jar.clear(cookie.domain, cookie.path, cookie.name)
    visitor.cookies.set("lacuna", secret)


def test_the_button_stands_on_the_log_in_page_where_there_is_a_provider(
    client: TestClient, visitor: TestClient
) -> None:
    assert "Log in with The Academy" in visitor.get("/login").text


def test_without_a_provider_there_is_neither_button_nor_way(client: TestClient) -> None:
    assert "Log in with" not in client.get("/login").text
    assert [client.get(f"/login/provider{rest}").status_code for rest in ("", "/callback")] == [404, 404]


def test_the_first_log_in_makes_an_account_under_a_chosen_name(
    visitor: TestClient, provider: OidcProvider, engine: Engine
) -> None:
    assert come_back(visitor, provider).status_code == 303
    assert 'value="ann"' in visitor.get("/login/provider/name").text
    answer = visitor.post("/login/provider/name", data={"name": "ada"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/submissions")
    assert get_name(visitor) == "ada"
    with reading(engine) as session:
        user = session.scalars(select(User)).one()
        assert user.role == "participant"
        assert not is_password(NO_PASSWORD, user.password_hash)
        assert session.scalars(select(LoginAttempt)).all() == []


def test_whoever_was_here_before_enters_at_once(visitor: TestClient, provider: OidcProvider) -> None:
    make_account(visitor, provider)
    visitor.cookies.clear()
    answer = come_back(visitor, provider)
    assert (answer.status_code, answer.headers["location"]) == (303, "/submissions")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert get_name(visitor) == "ann"


def test_the_request_carries_pkce_state_and_nonce_and_asks_for_no_mail_address(
    visitor: TestClient, provider: OidcProvider
) -> None:
    urls = [begin(visitor) for _ in range(2)]
    for url in urls:
        provider.log_in(url, "s1")
    first, second = provider.seen
    assert (first["tenant"], first["code_challenge_method"], first["scope"]) == ("1", "S256", "openid profile")
    assert first["redirect_uri"] == "https://lacuna.example/login/provider/callback"
    assert all(first[name] != second[name] for name in ("state", "nonce", "code_challenge"))


@pytest.mark.parametrize("name", ["a b", "", "lacuna", "taken"])
def test_a_name_that_cannot_be_had_is_asked_for_again(
    visitor: TestClient, provider: OidcProvider, engine: Engine, name: str
) -> None:
    with transaction(engine) as session:
        factories.make_user(session, "Taken")
    answer = make_account(visitor, provider, name)
    assert answer.status_code in (409, 422)
    assert 'role="alert"' in answer.text
    assert visitor.post("/login/provider/name", data={"name": "ann"}).status_code == 303


def test_an_equal_name_or_mail_address_opens_nobodys_account(
    visitor: TestClient, provider: OidcProvider, engine: Engine
) -> None:
    with transaction(engine) as session:
        factories.make_user(session, "ann", role="admin")
    assert come_back(visitor, provider).headers["location"] == "/login/provider/name"
    assert get_name(visitor) is None
    assert visitor.post("/login/provider/name", data={"name": "ann"}).status_code == 409


def test_an_answer_counts_once(visitor: TestClient, provider: OidcProvider) -> None:
    query = provider.log_in(begin(visitor), "s1")
    assert visitor.get("/login/provider/callback", params=query).status_code == 303
    assert visitor.get("/login/provider/callback", params=query).status_code == 401


def test_an_answer_to_another_browser_is_refused(visitor: TestClient, provider: OidcProvider) -> None:
    query = provider.log_in(begin(visitor), "s1")
    visitor.cookies.clear()
    assert visitor.get("/login/provider/callback", params=query).status_code == 401
    begin(visitor)  # with an attempt of its own it is no better
    assert visitor.get("/login/provider/callback", params=query).status_code == 401


def test_an_attempt_does_not_wait_for_ever(visitor: TestClient, provider: OidcProvider, engine: Engine) -> None:
    query = provider.log_in(begin(visitor), "s1")
    with transaction(engine) as session:
        session.execute(update(LoginAttempt).values(expires_at=utc_now() - timedelta(seconds=1)))
    assert visitor.get("/login/provider/callback", params=query).status_code == 401


@pytest.mark.parametrize(
    "changes", [{"state": "other"}, {"code": "other"}, {"code": ""}, {"iss": "https://other.example"}]
)
def test_a_bent_answer_enters_nobody(visitor: TestClient, provider: OidcProvider, changes: dict[str, str]) -> None:
    answer = come_back(visitor, provider, **changes)
    assert answer.status_code == 401
    assert 'role="alert"' in answer.text
    assert visitor.post("/login/provider/name", data={"name": "ann"}).status_code == 401


def drop(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda claims: claims.pop(name)


@pytest.mark.parametrize(
    "bend",
    [
        lambda claims: claims.update(iss="https://other.example"),
        lambda claims: claims.update(aud="another client"),
        lambda claims: claims.update(aud=[CLIENT, "another client"]),  # without azp
        lambda claims: claims.update(azp="another client"),
        lambda claims: claims.update(exp=claims["iat"] - 3600),
        lambda claims: claims.update(iat=claims["iat"] + 3600),
        lambda claims: claims.update(nbf=claims["iat"] + 3600),
        lambda claims: claims.update(nonce="of another log-in"),
        lambda claims: claims.update(at_hash="of another token"),
        lambda claims: claims.update(sub=""),
        lambda claims: claims.update(sub=["s1"]),
        lambda claims: claims.update(exp="soon"),
        *map(drop, ("iss", "sub", "aud", "exp", "iat", "nonce")),
    ],
)
def test_a_statement_that_is_not_for_this_log_in_is_refused(
    visitor: TestClient, provider: OidcProvider, bend: Callable[[dict[str, Any]], None]
) -> None:
    provider.bend = bend
    assert come_back(visitor, provider).status_code == 401


def test_several_audiences_with_us_as_the_authorized_party_are_taken(
    visitor: TestClient, provider: OidcProvider
) -> None:
    provider.bend = lambda claims: claims.update(aud=[CLIENT, "another client"], azp=CLIENT)
    assert come_back(visitor, provider).status_code == 303


def test_a_statement_signed_by_another_key_is_refused(visitor: TestClient, provider: OidcProvider) -> None:
    provider.signing_key = ECKey.generate_key("P-256", {"kid": "one"})
    assert come_back(visitor, provider).status_code == 401


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_a_statement_signed_with_a_shared_secret_is_refused(visitor: TestClient, provider: OidcProvider) -> None:
    provider.signing_key, provider.header = OctKey.import_key(SECRET), {"alg": "HS256"}
    assert come_back(visitor, provider).status_code == 401


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_an_unsigned_statement_is_refused(visitor: TestClient, provider: OidcProvider) -> None:
    provider.header = {"alg": "none"}
    assert come_back(visitor, provider).status_code == 401


def test_a_provider_that_changed_its_key_is_still_understood(visitor: TestClient, provider: OidcProvider) -> None:
    make_account(visitor, provider)
    provider.key = ECKey.generate_key("P-256", {"kid": "two"})
    provider.header = {"alg": "ES256", "kid": "two"}
    assert come_back(visitor, provider).headers["location"] == "/submissions"


def test_a_provider_that_wants_the_secret_in_the_form_gets_it_there(
    visitor: TestClient, provider: OidcProvider
) -> None:
    provider.document = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert come_back(visitor, provider).status_code == 303


@pytest.mark.parametrize(
    "document",
    [{"issuer": "https://other.example"}, {"token_endpoint": "http://other.example/"}, {"jwks_uri": None}],
)
def test_a_provider_that_is_not_the_one_configured_is_not_asked(
    visitor: TestClient, provider: OidcProvider, document: dict[str, Any]
) -> None:
    provider.document = document
    assert visitor.get("/login/provider").status_code == 503


def test_a_provider_that_is_away_is_our_fault(visitor: TestClient, provider: OidcProvider) -> None:
    settings = visitor.app.state.settings  # type: ignore[attr-defined]
    changed = settings.model_copy(update={"oidc_issuer": "http://127.0.0.1:1"})
    visitor.app.state.settings = changed  # type: ignore[attr-defined]
    assert visitor.get("/login/provider").status_code == 503


@pytest.mark.parametrize("target", ["https://elsewhere.example", "//elsewhere.example"])
def test_the_way_back_leads_nowhere_but_here(visitor: TestClient, provider: OidcProvider, target: str) -> None:
    make_account(visitor, provider)
    query = provider.log_in(begin(visitor, f"/login/provider?next={target}"), "s1")
    assert visitor.get("/login/provider/callback", params=query).headers["location"] == "/"


def connect(visitor: TestClient, provider: OidcProvider, subject: str = "s1") -> Any:
    query = provider.log_in(begin(visitor, "/account/identities/connect"), subject, preferred_username="ann.e")
    return visitor.get("/login/provider/callback", params=query)


def test_an_account_connects_an_identity_and_is_entered_with_it(
    visitor: TestClient, provider: OidcProvider, engine: Engine
) -> None:
    enter(visitor, engine, "bob")
    assert connect(visitor, provider).headers["location"] == "/login/provider/name"
    page = visitor.get("/login/provider/name").text
    assert "ann.e" in page
    assert "bob" in page
    assert visitor.post("/login/provider/name").headers["location"] == "/account/security"
    assert "ann.e" in visitor.get("/account/security").text
    visitor.cookies.clear()
    come_back(visitor, provider)
    assert get_name(visitor) == "bob"


def test_connecting_begins_on_our_own_page_only(visitor: TestClient, engine: Engine) -> None:
    enter(visitor, engine, "bob")
    for site in ("cross-site", "none", "same-site"):
        answer = visitor.get("/account/identities/connect", headers={"Sec-Fetch-Site": site})
        assert answer.status_code == 403


def test_connecting_ends_with_the_account_that_began_it(
    visitor: TestClient, provider: OidcProvider, engine: Engine
) -> None:
    enter(visitor, engine, "bob")
    query = provider.log_in(begin(visitor, "/account/identities/connect"), "s1")
    enter(visitor, engine, "eve")
    assert visitor.get("/login/provider/callback", params=query).status_code == 401


def test_a_yes_to_connecting_comes_from_our_own_page(
    visitor: TestClient, provider: OidcProvider, engine: Engine
) -> None:
    enter(visitor, engine, "bob")
    connect(visitor, provider)
    assert visitor.post("/login/provider/name", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    enter(visitor, engine, "eve")
    assert visitor.post("/login/provider/name").status_code == 401
    with reading(engine) as session:
        assert session.scalars(select(Identity)).all() == []


def test_an_identity_belongs_to_one_account(visitor: TestClient, provider: OidcProvider, engine: Engine) -> None:
    make_account(visitor, provider)
    enter(visitor, engine, "bob")
    answer = connect(visitor, provider)
    assert answer.status_code == 409
    assert "connected to another account" in answer.text


def test_the_last_way_in_is_not_removed(visitor: TestClient, provider: OidcProvider, engine: Engine) -> None:
    make_account(visitor, provider)
    with reading(engine) as session:
        first = session.scalars(select(Identity)).one().id
    assert visitor.post(f"/account/identities/{first}/remove").status_code == 409
    connect(visitor, provider, "s2")
    visitor.post("/login/provider/name")
    assert visitor.post(f"/account/identities/{first}/remove").status_code == 303
    assert visitor.post(f"/account/identities/{first}/remove").status_code == 404


def test_another_accounts_identity_does_not_exist(visitor: TestClient, provider: OidcProvider, engine: Engine) -> None:
    make_account(visitor, provider)
    with reading(engine) as session:
        first = session.scalars(select(Identity)).one().id
    enter(visitor, engine, "eve")
    assert visitor.post(f"/account/identities/{first}/remove").status_code == 404


def test_an_account_without_a_password_is_not_entered_by_one(visitor: TestClient, provider: OidcProvider) -> None:
    make_account(visitor, provider)
    assert visitor.post("/login", data={"name": "ann", "password": NO_PASSWORD}).status_code == 401
    answer = visitor.post("/account/security/password", data={"old": NO_PASSWORD, "new": "long enough"})
    assert answer.status_code == 409
