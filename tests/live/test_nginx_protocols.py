"""nginx over TLS and in HTTP/2: handshakes, turns and streams, by its own access log."""

import contextlib
import http.client
import random
import socket
import ssl
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hpack import Decoder, Encoder

from tests.exporter.protocols.samples_http2 import END, HEADERS, PREFACE, SETTINGS, WHOLE, frame
from tests.live.support import packages, servers, stack
from tests.live.support.processes import free_port
from tests.live.support.seen import UNSHED, Seen, settled

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
CONNECTIONS, REQUESTS_EACH = 30, 40
STREAMS, AT_ONCE = 3000, 10
REQUESTS, REFUSED = 1000, 20
SEED = 11
PAGES = """
    location /ok { return 200 "fine"; }
    location /big { return 200 "BIG"; }
    location /missing { return 404; }
    location /broken { return 500; }
""".replace("BIG", "x" * 3000)
PATHS = ("/ok", "/ok", "/big", "/missing", "/broken")
KEPT_OPEN = PATHS[:-1]  # after a 500 nginx closes connections of HTTP/1
HEAD_BYTES = 9


@contextmanager
def nginx(folder: Path, extra: str) -> Iterator[servers.Server]:
    with servers.nginx(packages.tree(), folder, PAGES + extra) as server:
        yield server


def certified(folder: Path) -> str:
    """Return the directives of a certificate made for the occasion."""
    tree = packages.with_programs("openssl")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = (
        *(tree.binary("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-nodes", "-days", "2", "-subj", "/CN=shop.example", "-keyout", key, "-out", certificate),
    )
    subprocess.run(command, check=True, capture_output=True, env=tree.environment({}))
    return f"ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;"


def trusting(version: ssl.TLSVersion, *protocols: str) -> ssl.SSLContext:
    """Return how to ask a server of that version of TLS whose certificate nobody signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(list(protocols))
    return context


def ask_encrypted(port: int, version: ssl.TLSVersion) -> None:
    context = trusting(version, "http/1.1")
    chance = random.Random(SEED)
    for _ in range(CONNECTIONS):
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)
        for _ in range(REQUESTS_EACH):
            connection.request("GET", chance.choice(KEPT_OPEN))
            connection.getresponse().read()
        connection.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda each: each.name)
def test_turns_over_tls_are_the_access_logs_requests(tmp_path: Path, version: ssl.TLSVersion) -> None:
    port = free_port()
    directives = f"listen 127.0.0.1:{port} ssl; {certified(tmp_path)}"
    with stack.exporter(tmp_path, *UNSHED) as exporter, nginx(tmp_path / "nginx", directives) as server:
        ask_encrypted(port, version)
        asked = CONNECTIONS * REQUESTS_EACH
        # Of a service's passing ports only the lowest is shown, and nginx listens on two.
        shown = min(port, server.port)
        seen = settled(
            exporter, shown, lambda seen: seen.total("larimar_inferred_requests_total", protocol="tls") >= asked
        )
        logged = len(server.log.read_text().splitlines())
    assert logged == asked
    assert seen.total("larimar_requests_total", protocol="tls") == CONNECTIONS
    assert seen.total("larimar_request_errors_total", protocol="tls") == 0
    assert seen.total("larimar_inferred_requests_total", protocol="tls") == pytest.approx(logged, rel=0.05)


@pytest.mark.long
def test_refused_handshakes_are_errors(tmp_path: Path) -> None:
    port = free_port()
    directives = f"listen 127.0.0.1:{port} ssl; {certified(tmp_path).replace('TLSv1.2 ', '')}"
    with stack.exporter(tmp_path, *UNSHED) as exporter, nginx(tmp_path / "nginx", directives) as server:
        for _ in range(REFUSED):
            with (
                socket.create_connection(("127.0.0.1", port), 30) as bare,
                contextlib.suppress(ssl.SSLError),
                trusting(ssl.TLSVersion.TLSv1_2).wrap_socket(bare),
            ):
                raise AssertionError("nginx took an old version")
        ask_encrypted(port, ssl.TLSVersion.TLSv1_3)

        def complete(seen: Seen) -> bool:
            return seen.total("larimar_requests_total", protocol="tls") >= CONNECTIONS + REFUSED

        seen = settled(exporter, min(port, server.port), complete)
    assert seen.total("larimar_requests_total", protocol="tls") == CONNECTIONS + REFUSED
    assert seen.total("larimar_request_errors_total", protocol="tls") == REFUSED


def ask_multiplexed(opened: socket.socket, streams: int, at_once: int) -> None:
    """Ask so many streams at once, by prior knowledge, and read until all have ended."""
    chance = random.Random(SEED)
    encoder, decoder = Encoder(), Decoder()
    with opened as connection, connection.makefile("rb") as answers:
        connection.sendall(PREFACE + frame(SETTINGS, 0, 0))
        window = (1 << 30).to_bytes(4, "big")
        connection.sendall(frame(8, 0, 0, window))
        for first in range(0, streams, at_once):
            asked = b""
            for number in range(first, first + at_once):
                headers = [
                    (":method", "GET"),
                    (":scheme", "http"),
                    (":path", chance.choice(PATHS)),
                    (":authority", "x"),
                ]
                asked += frame(HEADERS, WHOLE | END, 2 * number + 1, encoder.encode(headers))
            connection.sendall(asked)
            ended = 0
            while ended < at_once:
                head = answers.read(HEAD_BYTES)
                payload = answers.read(int.from_bytes(head[:3], "big"))
                if head[3] == HEADERS:
                    decoder.decode(payload)
                ended += head[3] <= HEADERS and head[4] & END


def test_streams_are_the_access_logs_requests(tmp_path: Path) -> None:
    port = free_port()
    directives = f"listen 127.0.0.1:{port} http2;"
    with stack.exporter(tmp_path, *UNSHED) as exporter, nginx(tmp_path / "nginx", directives) as server:
        ask_multiplexed(socket.create_connection(("127.0.0.1", port), 30), STREAMS, AT_ONCE)
        classes = Counter(line[0] + "xx" for line in server.log.read_text().splitlines())

        def complete(seen: Seen) -> bool:
            return seen.total("larimar_requests_total", protocol="http2") >= STREAMS

        seen = settled(exporter, min(port, server.port), complete)
    assert classes.total() == STREAMS
    assert seen.by("status_class", "larimar_http_requests_total", method="GET") == classes
    assert seen.total("larimar_request_errors_total", protocol="http2") == classes["4xx"] + classes["5xx"]


@pytest.mark.long
@pytest.mark.parametrize("at_once", [1, AT_ONCE])
def test_a_turn_of_encrypted_http2_is_what_was_asked_at_once(tmp_path: Path, at_once: int) -> None:
    port, version = free_port(), ssl.TLSVersion.TLSv1_3
    directives = f"listen 127.0.0.1:{port} ssl http2; {certified(tmp_path)}"
    with stack.exporter(tmp_path, *UNSHED) as exporter, nginx(tmp_path / "nginx", directives) as server:
        bare = socket.create_connection(("127.0.0.1", port), 30)
        ask_multiplexed(trusting(version, "h2").wrap_socket(bare, server_hostname="shop.example"), REQUESTS, at_once)
        expected = REQUESTS / at_once

        def complete(seen: Seen) -> bool:
            return seen.total("larimar_inferred_requests_total", protocol="tls") >= expected

        seen = settled(exporter, min(port, server.port), complete)
        logged = len(server.log.read_text().splitlines())
    assert logged == REQUESTS
    assert seen.total("larimar_requests_total", protocol="tls") == 1
    assert seen.total("larimar_inferred_requests_total", protocol="tls") == pytest.approx(expected, rel=0.05)
