"""A real NATS server on ports that mean nothing, what it counts itself, and a client of bare lines."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.live.support import packages
from tests.live.support.processes import Command, accepts, free_port, running

DENIED = "denied.topic"
CONFIGURATION = """\
listen: "127.0.0.1:{port}"
http: "127.0.0.1:{monitoring}"
authorization {{
  users = [{{ user: tester, password: "none", permissions: {{ publish: {{ deny: "denied.>" }} }} }}]
}}
"""
CONNECT = b'CONNECT {"verbose":%s,"pedantic":false,"headers":true,"user":"tester","pass":"none","lang":"bare"}\r\n'
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Counts:
    """The server's own counters.

    Attributes:
        published: messages that it took in, refused ones included.
        delivered: messages that it gave out.
    """

    published: int
    delivered: int


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    port: int
    monitoring: int

    def counts(self) -> Counts:
        """Return what it counted so far."""
        answer = requests.get(f"http://127.0.0.1:{self.monitoring}/varz", timeout=TIMEOUT_SECONDS).json()
        return Counts(answer["in_msgs"], answer["out_msgs"])


@contextmanager
def nats(folder: Path) -> Iterator[Server]:
    """Run the server; of ports that mean nothing the exporter tells a service's lowest one."""
    tree = packages.with_programs("nats-server")
    folder.mkdir()
    port, monitoring = sorted((free_port(), free_port()))
    (folder / "nats.conf").write_text(CONFIGURATION.format(port=port, monitoring=monitoring))
    arguments = (tree.binary("nats-server"), "-c", folder / "nats.conf")
    command = Command(arguments, folder / "nats.log", tree.environment({}))
    with running(command, lambda: accepts(port) and accepts(monitoring)):
        yield Server(port, monitoring)


class Client:
    """A connection that says lines and waits for the last one's answer."""

    def __init__(self, port: int, verbose: bool = False) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
        self._reader = self._socket.makefile("rb")
        self.errors = 0
        self._reader.readline()  # the greeting
        self.say(CONNECT % (b"true" if verbose else b"false"))
        self.ping()

    def say(self, lines: bytes) -> None:
        """Send lines."""
        self._socket.sendall(lines)

    def publish(self, subject: str, payload: bytes, headers: bytes = b"") -> None:
        """Publish a message."""
        if headers:
            head = b"NATS/1.0\r\n" + headers + b"\r\n\r\n"
            line = b"HPUB %s %d %d\r\n" % (subject.encode(), len(head), len(head) + len(payload))
            self.say(line + head + payload + b"\r\n")
        else:
            self.say(b"PUB %s %d\r\n" % (subject.encode(), len(payload)) + payload + b"\r\n")

    def ping(self) -> None:
        """Wait until the server has read all that was said before, and all that it said was read."""
        self.say(b"PING\r\n")
        while (line := self._reader.readline()) != b"PONG\r\n":
            if not line:
                raise ConnectionError("NATS closed the connection")
            self.errors += line.startswith(b"-ERR")
            if line.startswith((b"MSG", b"HMSG")):
                self._reader.read(int(line.split()[-1]) + 2)

    def close(self) -> None:
        """Hang up."""
        self._reader.close()
        self._socket.close()
