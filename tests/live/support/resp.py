"""A Redis client of a few lines, so that the tests know every byte that is sent."""

import socket
from collections.abc import Sequence
from typing import BinaryIO

Reply = int | bytes | None | list["Reply"]
"""A reply; an error is given as its text, beginning with `-`."""


class Connection:
    """One connection to a Redis server."""

    def __init__(self, port: int, timeout_seconds: float = 30.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout_seconds)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._replies: BinaryIO = self._socket.makefile("rb")

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it."""
        self._replies.close()
        self._socket.close()

    def ask(self, *words: str | bytes | int) -> Reply:
        """Send one command and return its reply."""
        return self.pipeline([words])[0]

    def pipeline(self, commands: Sequence[Sequence[str | bytes | int]]) -> list[Reply]:
        """Send commands in one go and return their replies."""
        self._socket.sendall(b"".join(map(encoded, commands)))
        return [self._reply() for _ in commands]

    def _reply(self) -> Reply:
        line = self._replies.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("Redis closed the connection")
        mark, rest = line[:1], line[1:-2]
        if mark == b"-":
            return line[:-2]
        if mark == b":":
            return int(rest)
        if mark == b"$":
            return None if rest == b"-1" else self._replies.read(int(rest) + 2)[:-2]
        if mark == b"*":
            return [self._reply() for _ in range(int(rest))]
        return rest


def encoded(command: Sequence[str | bytes | int]) -> bytes:
    """Return a command as RESP has it."""
    words = [word if isinstance(word, bytes) else str(word).encode() for word in command]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
