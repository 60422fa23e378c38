"""Against servers on this machine that misbehave."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from worker.messages import egress
from worker.messages.egress import NotDelivered, post, resolve

OK = b"HTTP/1.1 204 No Content\r\n\r\n"
Talk = Callable[[socket.socket], None]


class Server:
    """Takes one connection after another and lets `talk` answer."""

    def __init__(self, talk: Talk, context: ssl.SSLContext | None = None) -> None:
        self.talk = talk
        self.context = context
        self.received: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                taken, _ = self._socket.accept()
            except OSError:
                return
            with suppress(OSError), taken:
                stream = self.context.wrap_socket(taken, server_side=True) if self.context else taken
                stream.settimeout(5)
                self.received.append(stream.recv(65536))
                self.talk(stream)
                with suppress(OSError):
                    stream.shutdown(socket.SHUT_RDWR)
                stream.close()

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def start(talk: Talk, context: ssl.SSLContext | None = None) -> Server:
        running.append(Server(talk, context))
        return running[-1]

    yield start
    for server in running:
        server.close()


def call(server: Server, **options: Any) -> int:
    return post(f"http://127.0.0.1:{server.port}/hook", b"{}", {"X-Ours": "1"}, loopback=True, **options)


def test_the_status_comes_back_and_the_message_arrives_whole(serve: Callable[..., Server]) -> None:
    server = serve(lambda stream: stream.sendall(OK))
    assert call(server) == 204
    assert server.received[0].startswith(b"POST /hook HTTP/1.1\r\n")
    assert b"X-Ours: 1" in server.received[0]


def test_a_redirect_is_an_answer_and_is_not_followed(serve: Callable[..., Server]) -> None:
    other = serve(lambda stream: stream.sendall(OK))
    place = f"http://127.0.0.1:{other.port}/".encode()
    server = serve(lambda stream: stream.sendall(b"HTTP/1.1 302 Found\r\nLocation: " + place + b"\r\n\r\n"))
    assert call(server) == 302
    assert other.received == []


def test_a_server_that_drips_is_left_at_the_deadline(serve: Callable[..., Server]) -> None:
    def drip(stream: socket.socket) -> None:
        for letter in OK * 10:
            stream.sendall(bytes([letter]))
            sleep(0.05)

    begin = monotonic()
    with pytest.raises(NotDelivered, match="no answer within"):
        call(serve(drip), seconds=0.3)
    assert monotonic() - begin < 3


def test_an_endless_header_is_cut(serve: Callable[..., Server]) -> None:
    def flood(stream: socket.socket) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(4000):
            stream.sendall(b"X-Long: " + b"a" * 1000 + b"\r\n")

    with pytest.raises(NotDelivered, match="connection broke"):
        call(serve(flood))


def test_an_endless_body_is_not_read(serve: Callable[..., Server]) -> None:
    def flood(stream: socket.socket) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            stream.sendall(b"a" * 65536)

    assert call(serve(flood)) == 200


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-server\r\n", b"\x00\x01"])
def test_what_does_not_speak_http_is_said_to_be_so(serve: Callable[..., Server], answer: bytes) -> None:
    with pytest.raises(NotDelivered, match="not HTTP"):
        call(serve(lambda stream: stream.sendall(answer)))


def test_nobody_there_is_said(serve: Callable[..., Server]) -> None:
    server = serve(lambda stream: None)
    server.close()
    with pytest.raises(NotDelivered, match="refused"):
        call(server)


def test_a_proxy_of_the_environment_is_not_used(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, server = serve(lambda stream: stream.sendall(OK)), serve(lambda stream: stream.sendall(OK))
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
    assert call(server) == 204
    assert proxy.received == []


def lead(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Make every name lead there; return the names that were asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET6 if ":" in each else socket.AF_INET, 1, 6, "", (each, port)) for each in addresses]

    monkeypatch.setattr(egress.socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
def test_a_name_that_leads_inside_is_not_called(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    lead(monkeypatch, "8.8.8.8", address)  # one bad address is enough
    with pytest.raises(NotDelivered, match="not on the public internet"):
        post("https://host.example/", b"", {})


def test_a_name_that_leads_nowhere_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror

    monkeypatch.setattr(egress.socket, "getaddrinfo", fail)
    with pytest.raises(NotDelivered, match="leads nowhere"):
        resolve("host.example", 443, loopback=False)


def test_the_connection_goes_to_the_very_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere when it is asked a second time is not asked a second time."""
    asked, called = lead(monkeypatch, "8.8.8.8"), []

    def connect(place: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        called.append(place)
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(egress.socket, "create_connection", connect)
    with pytest.raises(NotDelivered, match="refused"):
        post("https://host.example/", b"", {})
    assert (asked, called) == (["host.example"], [("8.8.8.8", 443)])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For host.example and this machine's address, signed by itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "host.example")])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("host.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


def make_tls_server(serve: Callable[..., Server], certificate: Path) -> Server:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return serve(lambda stream: stream.sendall(OK), context)


def test_the_certificate_is_checked_against_the_name_and_not_the_address(
    serve: Callable[..., Server], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead(monkeypatch, "127.0.0.1")
    server, trusting = make_tls_server(serve, certificate), ssl.create_default_context(cafile=str(certificate))
    assert post(f"https://host.example:{server.port}/", b"", {}, loopback=True, tls=trusting) == 204
    with pytest.raises(NotDelivered, match="certificate"):
        post(f"https://other.example:{server.port}/", b"", {}, loopback=True, tls=trusting)
    with pytest.raises(NotDelivered, match="certificate"):
        post(f"https://host.example:{server.port}/", b"", {}, loopback=True)
