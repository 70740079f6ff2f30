"""Asks container engines for a container's name, over the Docker Engine API, which Podman speaks too.

Only where what they leave on the disk says nothing, and only with GET. An engine that does not answer in time is asked
no more: whoever looks at the host must not wait for it again. HTTP/1.0 is spoken, in which an answer has no pieces; the
library for it would bring TLS and mail, five megabytes.
"""

import json
import logging
import re
import socket
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.5
MAX_ASKED = 3  # times for one container, which may be asked for before its engine knows it
_PIECE_BYTES, _MAX_PIECES = 1 << 16, 256
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) ")
_MAX_REMEMBERED = 4096
_SOCKETS = ("run/docker.sock", "run/podman/podman.sock")
_OF_USERS = ("docker.sock", "podman/podman.sock")
_MAX_USERS = 100


class Engines:
    """The engines of a host.

    Args:
        root: the host's root directory.
    """

    def __init__(self, root: Path, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._root = root
        self._timeout = timeout_seconds
        self._asked: dict[str, int] = {}
        self._mute: set[Path] = set()

    def inspect(self, container_id: str) -> object:
        """Return what the first engine that knows a container says of it; None where none does, or none may be asked.

        Args:
            container_id: 64 hexadecimal digits.
        """
        if self._asked.get(container_id, 0) >= MAX_ASKED:
            return None
        if len(self._asked) >= _MAX_REMEMBERED:
            self._asked.clear()
        self._asked[container_id] = self._asked.get(container_id, 0) + 1
        answers = (self._ask(path, container_id) for path in self._sockets() if path not in self._mute)
        return next((answer for answer in answers if answer is not None), None)

    def _sockets(self) -> Iterator[Path]:
        yield from (path for path in (self._root / each for each in _SOCKETS) if path.is_socket())
        try:
            users = sorted((self._root / "run/user").iterdir())
        except OSError:
            return
        for user in users[:_MAX_USERS]:
            yield from (path for path in (user / each for each in _OF_USERS) if path.is_socket())

    def _ask(self, path: Path, container_id: str) -> object:
        try:
            head, separator, body = self._answer(path, f"/containers/{container_id}/json").partition(b"\r\n\r\n")
            status = _STATUS.match(head)
            if status is None or not separator:
                raise ValueError("no HTTP answer")
            return json.loads(body) if status[1] == b"200" else None
        except (OSError, ValueError, RecursionError) as error:
            if not isinstance(error, PermissionError):
                log.warning("container engine not asked any more", extra={"socket": str(path), "reason": str(error)})
            self._mute.add(path)
            return None

    def _answer(self, path: Path, target: str) -> bytes:
        """Return all that the engine answers.

        Raises:
            OSError: it cannot be asked, or is late.
            ValueError: it answers too much, or in too many pieces.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
            channel.settimeout(self._timeout)
            channel.connect(str(path))
            channel.sendall(f"GET {target} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            answer = bytearray()
            for _ in range(_MAX_PIECES):
                piece = channel.recv(_PIECE_BYTES)
                if not piece:
                    return bytes(answer)
                answer += piece
        raise ValueError("too long an answer")
