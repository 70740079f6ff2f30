"""MariaDB in a folder of its own, and a client of a few lines that asks in text and by prepared statements."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.live.support import packages
from tests.live.support.processes import Command, free_port, running

PROTOCOL_41, SECURE_CONNECTION, DEPRECATE_EOF = 0x200, 0x8000, 1 << 24
QUERY, PREPARE, EXECUTE, CLOSE = 0x03, 0x16, 0x17, 0x19
STRING = 0xFE
OK, EOF, ERROR = 0x00, 0xFE, 0xFF


@contextmanager
def mariadb(folder: Path) -> Iterator[int]:
    """Run MariaDB without accounts and give its port."""
    tree = packages.with_programs("mariadbd")
    port, program = free_port(), tree.binary("mariadbd")
    shared = program.parents[2] / "usr/share/mysql"
    data = folder / "data"
    data.mkdir()
    options = {
        "datadir": data,
        "port": port,
        "socket": folder / "socket",
        "pid-file": folder / "pid",
        "lc-messages-dir": shared,
        "character-sets-dir": shared / "charsets",
        "bind-address": "127.0.0.1",
        "user": "root",
        "innodb-flush-log-at-trx-commit": 0,
    }
    command = Command(
        (program, "--no-defaults", "--skip-grant-tables", *(f"--{name}={value}" for name, value in options.items())),
        folder / "mariadb.log",
        tree.environment({}),
    )
    with running(command, lambda: _answers(port)):
        yield port


def _answers(port: int) -> bool:
    try:
        Client(port).close()
    except (OSError, RefusedError):
        return False
    return True


class RefusedError(Exception):
    """The server refused a command; holds its code."""


class Client:
    """One connection."""

    def __init__(self, port: int, capabilities: int = DEPRECATE_EOF) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._replies = self._socket.makefile("rb")
        self._classic = not capabilities & DEPRECATE_EOF
        self._read()
        wanted = PROTOCOL_41 | SECURE_CONNECTION | capabilities
        self._send(1, wanted.to_bytes(4, "little") + b"\0\0\0\1\x21" + bytes(23) + b"root\0\0")
        self._read()

    def close(self) -> None:
        """Close it."""
        self._replies.close()
        self._socket.close()

    def query(self, statement: str) -> list[bytes]:
        """Return the rows of a statement, undecoded."""
        self._send(0, bytes((QUERY,)) + statement.encode())
        return self._result()

    def prepare(self, statement: str) -> int:
        """Return the number of a prepared statement."""
        self._send(0, bytes((PREPARE,)) + statement.encode())
        answer = self._read()
        for count in (int.from_bytes(answer[7:9], "little"), int.from_bytes(answer[5:7], "little")):
            for _ in range(count + (self._classic and count > 0)):
                self._read()
        return int.from_bytes(answer[1:5], "little")

    def execute(self, number: int, values: Sequence[str]) -> list[bytes]:
        """Return the rows that a prepared statement gives for strings, undecoded."""
        bound = b""
        if values:
            bound = b"".join(bytes((len(value),)) + value.encode() for value in values)
        return self.execute_bound(number, (STRING,) * len(values), bound)

    def execute_bound(self, number: int, kinds: Sequence[int], values: bytes) -> list[bytes]:
        """Return the rows that a prepared statement gives for values in binary of these types, undecoded."""
        head = bytes((EXECUTE,)) + number.to_bytes(4, "little") + b"\0\1\0\0\0"
        if kinds:
            head += bytes((len(kinds) + 7) // 8) + b"\1" + b"".join(bytes((kind, 0)) for kind in kinds)
        self._send(0, head + values)
        return self._result()

    def forget(self, number: int) -> None:
        """Close a prepared statement, which is not answered."""
        self._send(0, bytes((CLOSE,)) + number.to_bytes(4, "little"))

    def _send(self, sequence: int, payload: bytes) -> None:
        self._socket.sendall(len(payload).to_bytes(3, "little") + bytes((sequence,)) + payload)

    def _read(self) -> bytes:
        header = self._replies.read(4)
        payload = self._replies.read(int.from_bytes(header[:3], "little"))
        if not payload:
            raise ConnectionError("MariaDB closed the connection")
        if payload[0] == ERROR:
            raise RefusedError(int.from_bytes(payload[1:3], "little"))
        return payload

    def _result(self) -> list[bytes]:
        first = self._read()
        if first[0] == OK:
            return []
        for _ in range(first[0] + self._classic):
            self._read()
        rows = []
        while (row := self._read())[0] != EOF or len(row) > 9:
            rows.append(row)
        return rows
