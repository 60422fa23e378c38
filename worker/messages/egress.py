"""The one way out to addresses that participants choose: checked, pinned, bounded, and nothing of the answer is kept.

The name is resolved once and every address it leads to is checked; the connection goes to one of those very
addresses, so a name that changes between check and call (DNS rebinding) changes nothing. Redirects and proxies are
not followed. All of it, from connecting to the status line, has one deadline.
"""

import socket
import ssl
from collections.abc import Iterable, Mapping
from functools import cache
from time import monotonic
from typing import Any

import httpcore2

from core.domain.errors import InvalidInput
from core.domain.notifications import check_url, is_loopback, is_public

SECONDS = 10.0
MAX_ANSWER_BYTES = 64 << 10


class NotDelivered(Exception):
    """Why the message did not arrive, in words its recipient may read."""

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.is_final = is_final  # trying again cannot help


def post(
    url: str,
    content: bytes,
    headers: Mapping[str, str],
    *,
    loopback: bool = False,
    tls: ssl.SSLContext | None = None,
    seconds: float = SECONDS,
) -> int:
    """Return the status; raises NotDelivered if there was none."""
    try:
        parts = check_url(url, loopback=loopback)
    except InvalidInput as error:
        raise NotDelivered(error.message, is_final=True) from None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    backend = _Pinned(resolve(parts.hostname or "", port, loopback=loopback), monotonic() + seconds)
    pool = httpcore2.ConnectionPool(ssl_context=tls or _trust(), network_backend=backend, retries=0)
    try:
        with pool, pool.stream("POST", url, headers=list(headers.items()), content=content) as response:
            return int(response.status)  # the body is never read
    except (httpcore2.TimeoutException, TimeoutError):
        raise NotDelivered(f"no answer within {seconds:.0f} seconds") from None
    except httpcore2.ConnectError as error:
        raise NotDelivered(_explain(error)) from None
    except (httpcore2.NetworkError, httpcore2.ProtocolError):
        raise NotDelivered("the connection broke, or the answer was not HTTP") from None


def resolve(host: str, port: int, *, loopback: bool) -> list[str]:
    """Every address of the host; none at all if one of them may not be called."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotDelivered("the host's name leads nowhere") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not all(is_public(each) or (loopback and is_loopback(each)) for each in addresses):
        raise NotDelivered("the host's name leads to an address that is not on the public internet")
    return addresses


@cache
def _trust() -> ssl.SSLContext:
    """Reading the machine's certificates takes longer than a call."""
    return httpcore2.default_ssl_context()


class _Pinned(httpcore2.SyncBackend):
    def __init__(self, addresses: list[str], deadline: float) -> None:
        self._addresses = addresses
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """To the checked addresses, whatever the name says by now."""
        for address in self._addresses[:-1]:
            try:
                return self._connect(address, port)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return self._connect(self._addresses[-1], port)

    def _connect(self, address: str, port: int) -> httpcore2.NetworkStream:
        stream = super().connect_tcp(address, port, timeout=_find_rest(self._deadline) / len(self._addresses))
        return _Bounded(stream, self._deadline)


class _Bounded(httpcore2.NetworkStream):
    """Ends at the deadline however slowly the other side drips, and after so many bytes."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float, left: int = MAX_ANSWER_BYTES) -> None:
        self._stream = stream
        self._deadline = deadline
        self._left = left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        chunk = self._stream.read(max_bytes, timeout=_find_rest(self._deadline))
        self._left -= len(chunk)
        if self._left < 0:
            raise httpcore2.ReadError("the answer is too large")
        return chunk

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout=_find_rest(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        inner = self._stream.start_tls(ssl_context, server_hostname, timeout=_find_rest(self._deadline))
        return _Bounded(inner, self._deadline, self._left)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _find_rest(deadline: float) -> float:
    rest = deadline - monotonic()
    if rest <= 0:
        raise httpcore2.ReadTimeout
    return rest


def _explain(error: httpcore2.ConnectError) -> str:
    text = str(error).lower()
    if "certificate" in text:
        return "the host's certificate is not valid for its name"
    return "the connection was refused" if "refused" in text else "no connection could be made"
