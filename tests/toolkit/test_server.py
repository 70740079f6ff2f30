"""The server, over real sockets: what it serves, what it refuses, and that nobody can starve it."""

import base64
import http.client
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pytest

from toolkit.http1 import Handler, Request, Response, text
from toolkit.server import Limits, ServeError, Server, serve

CERTIFICATES = Path(__file__).parent / "certificates"
TLS = "tls_server_config: {{cert_file: {0}/{1}.crt, key_file: {0}/{1}.key}}\n"
PLAIN_AUTH = "basic_auth_users: {{alice: {}}}\n".format(bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode())


def echo(request: Request) -> Response:
    return text(f"{request.method} {request.path} {len(request.body)}")


def broken(_: Request) -> Response:
    raise RuntimeError("a handler's own fault")


ROUTES: Mapping[str, Handler] = {"/": echo, "POST /take": echo, "/broken": broken}
Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    servers: list[Server] = []

    def starter(web: Path | None = None, routes: Mapping[str, Handler] = ROUTES, **limits: float) -> Server:
        servers.append(serve("127.0.0.1:0", routes, web, Limits(**limits)))  # type: ignore[arg-type]  # by name
        return servers[-1]

    yield starter
    for server in servers:
        server.close()


@pytest.fixture
def web(tmp_path: Path) -> Path:
    return tmp_path / "web.yml"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def ask(server: Server, method: str = "GET", path: str = "/", user: str = "", body: bytes | None = None) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", server.address.port, timeout=10)
    try:
        return exchange(connection, method, path, user, body)
    finally:
        connection.close()


def exchange(
    connection: http.client.HTTPConnection,
    method: str = "GET",
    path: str = "/",
    user: str = "",
    body: bytes | None = None,
) -> Answer:
    headers = {"Authorization": "Basic " + base64.b64encode(user.encode()).decode()} if user else {}
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return Answer(response.status, response.read(), dict(response.getheaders()))


def secured(server: Server, authority: str = "server", client: str = "") -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=CERTIFICATES / f"{authority}.crt")
    if client:
        context.load_cert_chain(CERTIFICATES / f"{client}.crt", CERTIFICATES / f"{client}.key")
    return http.client.HTTPSConnection("127.0.0.1", server.address.port, timeout=10, context=context)


def raw(server: Server, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.address.port), timeout=10) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        received = b""
        while data := client.recv(65536):
            received += data
        return received


def test_get_head_and_post(start: Start) -> None:
    server = start()
    assert ask(server).body == b"GET / 0\n"
    head = ask(server, "HEAD")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", "9")
    assert ask(server, "POST", "/take", body=b"x" * 100_000).body == b"POST /take 100000\n"
    assert ask(server, "POST", body=b"x").status == 405
    assert ask(server, path="/none").status == 404


def test_one_connection_carries_many_requests(start: Start) -> None:
    server = start()
    connection = http.client.HTTPConnection("127.0.0.1", server.address.port, timeout=10)
    assert [exchange(connection).status for _ in range(5)] == [200] * 5
    connection.close()
    pipelined = raw(server, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 3)
    assert pipelined.count(b"HTTP/1.1 200 OK") == 3


def test_a_handler_that_fails_is_a_500_and_the_server_lives(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    server = start()
    assert ask(server, path="/broken").body == b"internal error\n"
    assert "a handler's own fault" in caplog.text
    assert ask(server).status == 200
    assert server.counts()["failed"] == 1


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 50_000, b"431"),
        (b"POST /take HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\n", b"413"),
        (b"POST /take HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
    ],
)
def test_malformed_requests_are_answered_and_counted(start: Start, sent: bytes, status: bytes) -> None:
    server = start()
    assert raw(server, sent).startswith(b"HTTP/1.1 " + status)
    assert server.counts()["malformed"] == 1


def test_an_unfinished_request_ends_without_an_answer(start: Start) -> None:
    server = start()
    assert raw(server, b"GET / HT") == b""
    assert raw(server, b"POST /take HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabc") == b""


def test_a_client_that_dawdles_is_cut_off(start: Start) -> None:
    server = start(request_seconds=0.2)
    with socket.create_connection(("127.0.0.1", server.address.port), timeout=10) as client:
        client.sendall(b"GET / HT")
        assert client.recv(100) == b""


def test_idle_connections_make_room_for_a_scrape(start: Start) -> None:
    server = start(connections=4)
    idle = [socket.create_connection(("127.0.0.1", server.address.port), timeout=10) for _ in range(20)]
    assert [ask(server).status for _ in range(5)] == [200] * 5
    for client in idle:
        client.close()
    assert server.counts()["evicted"] >= 16


def test_while_all_are_busy_one_more_is_refused_and_later_served(start: Start) -> None:
    entered, release = threading.Semaphore(0), threading.Event()

    def slow(_: Request) -> Response:
        entered.release()
        release.wait(10)
        return text("done")

    server = start(routes={"/": slow}, connections=2)
    answers: list[Answer] = []
    busy = [threading.Thread(target=lambda: answers.append(ask(server))) for _ in range(2)]
    for thread in busy:
        thread.start()
    for _ in busy:
        assert entered.acquire(timeout=10)
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        ask(server)
    release.set()
    for thread in busy:
        thread.join()
    assert [answer.status for answer in answers] == [200, 200]
    assert ask(server).status == 200


def test_basic_auth(start: Start, web: Path) -> None:
    web.write_text(PLAIN_AUTH)
    server = start(web)
    refused = ask(server)
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, 'Basic realm="larimar"')
    assert ask(server, user="alice:wrong").status == 401
    assert ask(server, user="alice:right").status == 200
    assert server.counts()["unauthorised"] == 2


def test_the_file_is_read_anew_for_every_request(start: Start, web: Path) -> None:
    web.write_text("http_server_config: {headers: {X-Frame-Options: deny}}\n")
    server = start(web)
    connection = http.client.HTTPConnection("127.0.0.1", server.address.port, timeout=10)
    assert exchange(connection).headers["X-Frame-Options"] == "deny"
    web.write_text(PLAIN_AUTH)
    assert exchange(connection).status == 401
    assert exchange(connection, user="alice:right").status == 200
    connection.close()


def test_an_invalid_edit_refuses_everything_until_it_is_corrected(
    start: Start, web: Path, caplog: pytest.LogCaptureFixture
) -> None:
    web.write_text(PLAIN_AUTH)
    server = start(web)
    for content in ("basic_auth_users: {alice: right}\n", "nonsense: [\n"):
        web.write_text(content)
        assert [ask(server, user="alice:right").status for _ in range(3)] == [500] * 3
    web.unlink()
    assert ask(server, user="alice:right").status == 500
    assert len([r for r in caplog.records if r.levelno == logging.ERROR]) == 3  # once for each change
    web.write_text(PLAIN_AUTH)
    assert ask(server, user="alice:right").status == 200
    assert server.counts()["refused"] == 7


def test_tls_and_a_renewed_certificate(start: Start, web: Path) -> None:
    web.write_text(TLS.format(CERTIFICATES, "server"))
    server = start(web)
    assert server.url.startswith("https://127.0.0.1:")
    first = secured(server)
    assert exchange(first).status == 200
    web.write_text(TLS.format(CERTIFICATES, "renewed"))
    second = secured(server, "renewed")
    assert exchange(second).status == 200
    with pytest.raises(ssl.SSLCertVerificationError), closing(secured(server, "server")) as refused:
        exchange(refused)
    first.close()
    second.close()


def test_once_tls_is_on_nothing_more_goes_out_plainly(start: Start, web: Path) -> None:
    web.write_text("")
    server = start(web)
    connection = http.client.HTTPConnection("127.0.0.1", server.address.port, timeout=10)
    assert exchange(connection).status == 200
    web.write_text(TLS.format(CERTIFICATES, "server"))
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        exchange(connection)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        ask(server)
    encrypted = secured(server)
    assert exchange(encrypted).status == 200
    web.write_text("nonsense: 1\n")
    assert exchange(encrypted).status == 500  # the refusal is encrypted too
    encrypted.close()
    connection.close()


def test_client_certificates_are_verified_by_authority_and_name(start: Start, web: Path) -> None:
    mutual = TLS.format(CERTIFICATES, "server").rstrip("}\n") + (
        f", client_auth_type: RequireAndVerifyClientCert, client_ca_file: {CERTIFICATES}/client.crt, "
        "client_allowed_sans: [NAME]}\n"
    )
    web.write_text(mutual.replace("NAME", "client.larimar.test"))
    server = start(web)
    known = secured(server, client="client")
    assert exchange(known).status == 200
    for stranger in ("", "stranger"):
        with (
            pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)),
            closing(secured(server, client=stranger)) as refused,
        ):
            exchange(refused)
    web.write_text(mutual.replace("NAME", "another.larimar.test"))
    with (
        pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)),
        closing(secured(server, client="client")) as refused,
    ):
        exchange(refused)
    known.close()


def test_the_rate_limit_is_told(start: Start, web: Path) -> None:
    web.write_text("rate_limit: {interval: 1h, burst: 2}\n")
    server = start(web)
    assert [ask(server).status for _ in range(3)] == [200, 200, 429]


def test_what_cannot_be_served_is_named(web: Path) -> None:
    with pytest.raises(ServeError, match=r"is not an address"):
        serve("nowhere", ROUTES)
    with pytest.raises(ServeError, match=r"web\.yml: No such file"):
        serve("127.0.0.1:0", ROUTES, web)
    web.write_text("basic_auth_users: {alice: plain}\n")
    with pytest.raises(ServeError, match=r"web\.yml: basic_auth_users\.alice: not a bcrypt hash"):
        serve("127.0.0.1:0", ROUTES, web)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=rf"127\.0\.0\.1:{port}: Address already in use; --web\.listen-address"):
            serve(f"127.0.0.1:{port}", ROUTES)


def test_an_open_door_to_the_network_is_warned_of(caplog: pytest.LogCaptureFixture, web: Path) -> None:
    serve(":0", ROUTES).close()
    assert "neither TLS nor authentication" in caplog.text
    caplog.clear()
    web.write_text(PLAIN_AUTH)
    serve(":0", ROUTES, web).close()
    serve("127.0.0.1:0", ROUTES).close()
    assert not caplog.records


def test_closing_cuts_idle_clients_and_frees_the_port(start: Start) -> None:
    server = start()
    idle = socket.create_connection(("127.0.0.1", server.address.port), timeout=10)
    assert ask(server).status == 200
    server.close()
    server.close()
    assert idle.recv(1) == b""
    idle.close()
    serve(f"127.0.0.1:{server.address.port}", ROUTES).close()
