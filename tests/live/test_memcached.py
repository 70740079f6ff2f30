"""Keys that memcached found and missed, by its own counts, in text, meta and binary commands."""

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.exporter.protocols.samples_memcached import FLAGS, request
from tests.live.support import packages, stack
from tests.live.support.processes import Command, accepts, free_port, running
from tests.live.support.seen import UNSHED, Seen, settled

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
ROUNDS = 2000
KEYS = 3000
SEED = 7
GET, SET, GET_QUIETLY, NOOP = 0x00, 0x01, 0x0D, 0x0A


@contextmanager
def memcached(folder: Path) -> Iterator[int]:
    tree = packages.with_programs("memcached")
    port = free_port()
    command = Command(
        (tree.binary("memcached"), "-u", "nobody", "-l", "127.0.0.1", "-p", str(port), "-U", "0"),
        folder / "memcached.log",
        tree.environment({}),
    )
    with running(command, lambda: accepts(port)):
        yield port


class Client:
    """A connection that sends commands and reads what each is answered with."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._replies: BinaryIO = self._socket.makefile("rb")

    def close(self) -> None:
        self._replies.close()
        self._socket.close()

    def text(self, command: bytes, last: tuple[bytes, ...]) -> list[bytes]:
        """Return the lines of the reply, which one that begins with one of `last` ends."""
        self._socket.sendall(command)
        lines = [self._replies.readline()]
        while not lines[-1].startswith(last):
            lines.append(self._replies.readline())
        return lines

    def binary(self, payload: bytes, last: int) -> None:
        """Read replies until one to the opcode `last`."""
        self._socket.sendall(payload)
        while True:
            header = self._replies.read(24)
            self._replies.read(int.from_bytes(header[8:12], "big"))
            if header[1] == last:
                return

    def stats(self) -> dict[str, int]:
        lines = self.text(b"stats\r\n", (b"END",))
        told = (line.split() for line in lines if line.startswith(b"STAT "))
        return {name.decode(): int(value) for _, name, value in told if value.isdigit()}


def ask_in_text(client: Client, chance: random.Random) -> None:
    for _ in range(ROUNDS):
        client.text(b"set key:%d 0 0 100\r\n%s\r\n" % (chance.randrange(KEYS), b"x" * 100), (b"STORED",))
        wanted = b" ".join(b"key:%d" % chance.randrange(KEYS) for _ in range(chance.randint(1, 5)))
        client.text(b"get %s\r\n" % wanted, (b"END",))


def ask_in_meta(client: Client, chance: random.Random) -> None:
    for _ in range(ROUNDS):
        wanted = b"".join(b"mg key:%d v q\r\n" % chance.randrange(KEYS) for _ in range(chance.randint(1, 5)))
        client.text(wanted + b"mn\r\n", (b"MN",))


def ask_in_binary(client: Client, chance: random.Random) -> None:
    for _ in range(ROUNDS):
        client.binary(request(SET, b"key:%d" % chance.randrange(KEYS), FLAGS * 2, b"x" * 100), SET)
        client.binary(request(GET, b"key:%d" % chance.randrange(KEYS)), GET)
        keys = (b"key:%d" % chance.randrange(KEYS) for _ in range(3))
        quiet = b"".join(request(GET_QUIETLY, key, opaque=number) for number, key in enumerate(keys))
        client.binary(quiet + request(NOOP), NOOP)


def test_hits_and_misses_equal_the_servers_own(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    with stack.exporter(tmp_path, *UNSHED) as exporter, memcached(tmp_path) as port:
        for ask in (ask_in_text, ask_in_meta, ask_in_binary):
            client = Client(port)
            ask(client, chance)
            client.close()
        client = Client(port)
        own = client.stats()
        assert client.text(b"nonsense\r\n", (b"ERROR",))
        client.close()
        gets = own["get_hits"] + own["get_misses"]

        def complete(seen: Seen) -> bool:
            return seen.total("larimar_cache_gets_total") >= gets and seen.total("larimar_request_errors_total") > 0

        seen = settled(exporter, port, complete)
    assert seen.total("larimar_cache_gets_total") == gets
    assert seen.total("larimar_cache_hits_total") == own["get_hits"]
    operations = seen.by("operation", "larimar_db_queries_total", db_system="memcached")
    assert operations["set"] == own["cmd_set"]
    assert operations["get"] == ROUNDS + ROUNDS + 3 * ROUNDS
    assert operations["mn"] == ROUNDS
    assert seen.total("larimar_request_errors_total") == 1
