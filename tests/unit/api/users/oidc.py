"""A small OpenID Connect provider on this machine, with real keys; tests bend one thing at a time."""

import json
import threading
import time
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import ECKey

CLIENT, SECRET = "lacuna", "a secret/with:signs"


@dataclass
class OidcProvider:
    """Lets in whoever `log_in` names."""

    issuer: str = ""
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "one"}))
    bend: Callable[[dict[str, Any]], None] = lambda claims: None
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "ES256", "kid": "one"})
    signing_key: Any = None
    document: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    seen: list[dict[str, str]] = field(default_factory=list)
    inside: str = ""  # whom a real browser is let in as, without a question
    left: list[dict[str, str]] = field(default_factory=list)  # who logged out here

    def start(self) -> None:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                target = provider.lead(self.path)
                if target:
                    self.send_response(302)
                    self.send_header("Location", target)
                    self.end_headers()
                else:
                    self._answer(*provider.read(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                self._answer(*provider.redeem(form, self.headers.get("authorization", "")))

            def _answer(self, status: int, body: dict[str, Any]) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def read(self, path: str) -> tuple[int, dict[str, Any]]:
        if path == "/jwks":
            return 200, {"keys": [self.key.as_dict(private=False)]}
        if path == "/.well-known/openid-configuration":
            places = {
                "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
            }
            return 200, {"issuer": self.issuer, **places, **self.document}
        return 404, {}

    def lead(self, path: str) -> str:
        """Where a browser that comes by is sent on to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        if path.startswith("/authorize") and self.inside:
            answer = self.log_in(path, self.inside, preferred_username=self.inside)
            return f"{query['redirect_uri']}?{urlencode(answer)}"
        if path.startswith("/leave"):
            self.left.append(query)
            return query["post_logout_redirect_uri"]
        return ""

    def log_in(self, url: str, subject: str, **claims: Any) -> dict[str, str]:
        """What the browser brings back after logging in at `url`."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self.seen.append(query)
        code = f"code{len(self.codes)}"
        self.codes[code] = {**query, "sub": subject, **claims}
        return {"code": code, "state": query["state"]}

    def redeem(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(form.get("code", ""), None)
        allowed = (
            asked is not None
            and self._knows(form, authorization)
            and form["redirect_uri"] == asked["redirect_uri"]
            and create_s256_code_challenge(form["code_verifier"]) == asked["code_challenge"]
        )
        if asked is None or not allowed:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())  # noqa: TID251 (a moment, not a duration)
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": asked["sub"],
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": asked["nonce"],
            "preferred_username": asked.get("preferred_username", ""),
            "email": "ann@host.example",
            "email_verified": True,
        }
        self.bend(claims)
        token = jwt.encode(self.header, claims, self.signing_key or self.key, algorithms=[self.header["alg"]])
        return 200, {"id_token": token, "access_token": "a", "token_type": "Bearer"}

    def _knows(self, form: dict[str, str], authorization: str) -> bool:
        if authorization:
            return b64decode(authorization.removeprefix("Basic ")).decode() == f"{CLIENT}:a%20secret%2Fwith%3Asigns"
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
