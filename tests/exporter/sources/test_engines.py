"""Engines asked over real sockets, also those that do not answer, answer nonsense or know nothing."""

import logging
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from exporter.identity.facts import NO_CONTAINER, ContainerFacts
from exporter.sources.containers import Containers
from exporter.sources.engines import MAX_ASKED, Engines

ID = "c" * 64
ANSWER = b'{"Name": "/shop-web-1", "Config": {"Labels": {"com.docker.compose.service": "web"}}, "Image": "sha256:ab"}'


class Engine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """An engine that knows one container.

    Attributes:
        asked: the paths that were asked for.
    """

    daemon_threads = True

    def __init__(self, path: Path, answer: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(str(path), Answering)
        self.answer, self.asked = answer, list[str]()


class Answering(BaseHTTPRequestHandler):
    server: Engine

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        is_known = self.path == f"/containers/{ID}/json"
        self.send_response(200 if is_known else 404)
        self.end_headers()
        self.wfile.write(self.server.answer if is_known else b'{"message": "no such container"}')

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def engine(path: Path, answer: bytes = ANSWER) -> Iterator[Engine]:
    with Engine(path, answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    "place", ["run/docker.sock", "run/podman/podman.sock", "run/user/1000/podman/podman.sock", "run/user/7/docker.sock"]
)
def test_an_engine_tells_the_name_where_no_file_does(tmp_path: Path, place: str) -> None:
    with engine(tmp_path / place) as server:
        containers = Containers(tmp_path)

        for _ in range(5):
            assert containers.find(ID, "") == ContainerFacts(name="shop-web-1", service="web", image="sha256:ab")
        assert server.asked == [f"/containers/{ID}/json"]


def test_a_container_that_nobody_knows_is_asked_for_a_few_times_only(tmp_path: Path) -> None:
    with engine(tmp_path / "run/docker.sock") as server:
        engines = Engines(tmp_path)

        assert [engines.inspect("d" * 64) for _ in range(10)] == [None] * 10
        assert len(server.asked) == MAX_ASKED


def test_the_next_engine_is_asked_where_one_does_not_know(tmp_path: Path) -> None:
    with engine(tmp_path / "run/docker.sock", b"null"), engine(tmp_path / "run/podman/podman.sock"):
        assert Containers(tmp_path).find(ID, "").name == "shop-web-1"


@pytest.mark.parametrize("answer", [b"", b"{", b"[" * 100_000, b"\xff"])
def test_an_engine_that_answers_nonsense_is_told_of_once_and_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, answer: bytes
) -> None:
    with engine(tmp_path / "run/docker.sock", answer) as server, caplog.at_level(logging.WARNING):
        containers = Containers(tmp_path)

        assert [containers.find(ID, "") for _ in range(3)] == [NO_CONTAINER] * 3
        assert len(server.asked) == 1
    assert [record.getMessage() for record in caplog.records] == ["container engine not asked any more"]


def test_an_engine_that_never_answers_holds_up_one_look_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "run/docker.sock"
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(path))
        deaf.listen()
        engines = Engines(tmp_path, timeout_seconds=0.05)

        assert [engines.inspect(each * 64) for each in "abcdef"] == [None] * 6
    assert len(caplog.records) == 1
