"""The one way from a node to the server: HTTPS calls with the node's key."""

import ssl
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from pydantic import BaseModel, ValidationError

from core.domain.errors import Conflict, ContestError, InvalidInput, NotAuthenticated, NotFound, PlatformFault
from core.domain.fleet import ASK_SECONDS
from core.node_records import (
    AskForWork,
    KeptBlob,
    NodeReport,
    NodeTerms,
    Offer,
    ShardProgress,
    ShardResult,
    Wanted,
    Work,
)

Model = TypeVar("Model", bound=BaseModel)
API = "/api/v1/nodes"
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 60.0
_ERROR_OF_STATUS: dict[int, type[ContestError]] = {401: NotAuthenticated, 404: NotFound, 409: Conflict}


class ServerAway(PlatformFault):
    """Nobody answers, or only to say that it fails: the same call may succeed later."""


def check_address(url: str, *, allow_http: bool = False) -> str:
    """The address without a slash at its end; raises InvalidInput for one over which a key must not go."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise InvalidInput(f"{url!r} is not a server's address: {error}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidInput(f"{url!r} is not a server's address; it looks like https://lacuna.example.org")
    if parsed.scheme == "http" and parsed.host not in LOOPBACK_HOSTS and not allow_http:
        raise InvalidInput(
            f"{url} is not encrypted, and this node's key and hidden data would go over it: use https, or --allow-http"
            " within a network that you trust"
        )
    return url.rstrip("/")


class Link:
    def __init__(
        self, url: str, token: str, *, ca: Path | None = None, transport: httpx2.BaseTransport | None = None
    ) -> None:
        self.url = url
        self._http = httpx2.Client(
            base_url=url + API,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            verify=_trust(ca),
            transport=transport,
            trust_env=httpx2.URL(url).host not in LOOPBACK_HOSTS,
        )

    def report(self, report: NodeReport) -> NodeTerms:
        return _read(NodeTerms, self._send("POST", "/report", json=report.model_dump(mode="json")))

    def ask(self, instance: str) -> Offer | None:
        asked = AskForWork(instance=instance).model_dump()
        return _read(Work, self._send("POST", "/work", json=asked, timeout=ASK_SECONDS + ANSWER_SECONDS)).offer

    def is_wanted(self, lease: str, finished: int) -> bool:
        told = ShardProgress(finished=finished).model_dump()
        return _read(Wanted, self._send("POST", f"/leases/{lease}/progress", json=told)).wanted

    def fetch(self, lease: str, digest: str) -> bytes:
        return self._send("GET", f"/leases/{lease}/blobs/{digest}").content

    def send(self, lease: str, data: bytes) -> str:
        headers = {"Content-Type": "application/octet-stream"}
        return _read(KeptBlob, self._send("POST", f"/leases/{lease}/blobs", content=data, headers=headers)).digest

    def finish(self, lease: str, result: ShardResult) -> None:
        self._send("POST", f"/leases/{lease}/result", json=result.model_dump(mode="json"))

    def leave(self, instance: str) -> None:
        self._send("POST", "/leave", json=AskForWork(instance=instance).model_dump())

    def _send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        try:
            response = self._http.request(method, path, **options)
        except httpx2.TransportError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise InvalidInput(
                    f"the certificate of {self.url} is not trusted here: give its authority with --ca FILE"
                ) from None
            raise ServerAway(f"no answer from {self.url}: {_explain(error)}") from None
        if response.status_code < 400:
            return response
        detail = _read_detail(response)
        if response.status_code >= 500 or response.status_code in (408, 429):
            raise ServerAway(f"{self.url} answers {response.status_code}: {detail or response.reason_phrase}")
        if not detail:
            raise InvalidInput(f"{self.url} does not answer like a Lacuna server that takes nodes")
        raise _ERROR_OF_STATUS.get(response.status_code, InvalidInput)(detail)


def _trust(ca: Path | None) -> ssl.SSLContext | bool:
    if ca is None:
        return True
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise InvalidInput(f"cannot read certificates from {ca}: {error}") from None


def _read(kind: type[Model], response: httpx2.Response) -> Model:
    try:
        return kind.model_validate_json(response.content)
    except ValidationError:
        raise InvalidInput(f"{response.url} does not answer like a Lacuna server that takes nodes") from None


def _read_detail(response: httpx2.Response) -> str:
    """Empty unless it is an answer of ours."""
    try:
        body = response.json()
    except ValueError:
        return ""
    return str(body["detail"]) if isinstance(body, dict) and "request_id" in body and "detail" in body else ""


def _explain(error: httpx2.TransportError) -> str:
    if isinstance(error, httpx2.TimeoutException):
        return "it takes too long"
    text = str(error)
    return "connection refused" if "refused" in text.lower() else text or type(error).__name__
