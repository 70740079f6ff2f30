"""What is said of a server that gives no answer: for a person who reads a log."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from detector.clients.alertmanager import Alertmanager, DeliveryError
from detector.clients.endpoint import Credentials, Endpoint, TransportError
from tests.toolkit.test_server import CERTIFICATES, PLAIN_AUTH, TLS, echo
from toolkit.server import Server, serve


def endpoint(url: str) -> Endpoint:
    return Endpoint(url, Credentials(), 0.2, 1 << 20)


@pytest.fixture
def port() -> Iterator[int]:
    """Where somebody listens, but never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_refused_connection_is_called_one(closed: int) -> None:
    url = f"http://127.0.0.1:{closed}"
    with pytest.raises(TransportError) as caught:
        endpoint(url).get("/")
    assert str(caught.value) == f"{url}: Connection refused"


def test_silence_is_called_a_timeout(port: int) -> None:
    url = f"http://127.0.0.1:{port}"
    with pytest.raises(TransportError) as caught:
        endpoint(url).get("/")
    assert str(caught.value) == f"{url}: timed out"


def test_a_missing_password_file_is_named(tmp_path: Path, port: int) -> None:
    credentials = Credentials(bearer_token_file=tmp_path / "token")
    with pytest.raises(TransportError, match="No such file or directory"):
        Endpoint(f"http://127.0.0.1:{port}", credentials, 0.2, 1 << 20).get("/")


def test_no_address_is_said_twice(closed: int) -> None:
    url = f"http://127.0.0.1:{closed}"
    with pytest.raises(DeliveryError) as caught:
        Alertmanager(endpoint(url)).silences()
    assert str(caught.value) == f"{url}: Connection refused"


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Server]:
    """With TLS, a password, and a path before all others."""
    web = tmp_path / "web.yml"
    web.write_text(TLS.format(CERTIFICATES, "server") + PLAIN_AUTH)
    server = serve("127.0.0.1:0", {"/prefix/-/ready": echo}, web)
    yield server
    server.close()


def test_a_certificate_that_cannot_be_verified_is_called_so(secured: Server) -> None:
    with pytest.raises(TransportError, match="certificate verify failed"):
        endpoint(f"{secured.url}/prefix").get("/-/ready")


@pytest.mark.parametrize(("password", "status"), [("right", 200), ("wrong", 401)])
def test_a_server_with_tls_a_password_and_a_path_is_asked(
    secured: Server, tmp_path: Path, password: str, status: int
) -> None:
    (tmp_path / "password").write_text(f"{password}\n")
    settings = tmp_path / "http.yml"
    settings.write_text(f"ca_file: {CERTIFICATES}/server.crt\nusername: alice\npassword_file: password\n")
    answer = Endpoint(f"{secured.url}/prefix/", Credentials.read(settings), 5.0, 1 << 20).get("/-/ready")
    assert answer.status == status


def test_an_address_of_ipv6_is_asked() -> None:
    server = serve("[::1]:0", {"/": echo}, None)
    try:
        assert endpoint(f"http://[::1]:{server.address.port}").get("/").status == 200
    finally:
        server.close()
