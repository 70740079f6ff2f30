"""The current web.config.file: read for every request, parsed when its bytes changed."""

import logging
import threading
from pathlib import Path

from toolkit.webconfig import WebConfig, load
from toolkit.yamlfile import FileError, read_bytes

log = logging.getLogger(__name__)


class WebConfigFile:
    """Gives the current configuration; while an edit is invalid, every request is refused."""

    def __init__(self, path: Path | None) -> None:
        """Read the file; None serves plainly and to everybody.

        Raises:
            FileError: it cannot be used.
        """
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[bytes | None, ...] = ()
        self._error: FileError | None = None
        self._config = WebConfig()
        if path is not None:
            content = read_bytes(path)
            self._config = load(path, content)
            self._seen = self._contents(content)

    @property
    def last_valid(self) -> WebConfig:
        """The newest configuration that could be used; its TLS also carries the refusals."""
        return self._config

    def current(self) -> WebConfig:
        """Return the configuration.

        Raises:
            FileError: the file cannot be used as it is now; logged once per change.
        """
        if self._path is None:
            return self._config
        with self._lock:
            self._reload(self._path)
            if self._error is not None:
                raise self._error
            return self._config

    def _reload(self, path: Path) -> None:
        try:
            content = read_bytes(path)
            if self._error is None and self._contents(content) == self._seen:
                return
            self._config = load(path, content)
            self._seen = self._contents(content)
            self._error = None
        except FileError as error:
            if str(error) != str(self._error):
                log.error("web configuration refused, and every request with it", extra={"reason": str(error)})
            self._error = error

    def _contents(self, content: bytes) -> tuple[bytes | None, ...]:
        """Return the bytes of the file and of all that the last valid configuration names; None where unreadable."""
        return (content, *(_bytes_or_none(file) for file in self._config.files[1:]))


def _bytes_or_none(path: Path) -> bytes | None:
    try:
        return read_bytes(path)
    except FileError:
        return None  # `load` says why
