"""Asks container engines for a container's name, over the Docker Engine API, which Podman speaks too.

Only where what they leave on the disk says nothing, and only with GET. An engine that does not answer in time is asked
no more: whoever looks at the host must not wait for it again.
"""

import http.client
import json
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.5
MAX_ASKED = 3  # times for one container, which may be asked for before its engine knows it
_MAX_BYTES = 4 << 20
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
        connection = _Connection(path, self._timeout)
        try:
            connection.request("GET", f"/containers/{container_id}/json")
            answer = connection.getresponse()
            return json.loads(answer.read(_MAX_BYTES)) if answer.status == http.client.OK else None
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            if not isinstance(error, PermissionError):
                log.warning("container engine not asked any more", extra={"socket": str(path), "reason": str(error)})
            self._mute.add(path)
            return None
        finally:
            connection.close()


class _Connection(http.client.HTTPConnection):
    """HTTP over a socket in the file system."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
