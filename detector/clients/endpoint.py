"""One HTTP server we talk to: bounded time, bounded answers, credentials by file."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, ProtocolError

from detector.model import Seconds
from toolkit import values
from toolkit.yamlfile import FileError, read_yaml

CHUNK_BYTES = 1 << 16
Strip = Callable[[bytearray], None]
LEAST_SECONDS = 0.001  # what is left of an exchange's time is never nothing


class TransportError(Exception):
    """No usable HTTP answer arrived: refused, cut off, too slow or too large."""


class CredentialsError(ValueError):
    """An HTTP configuration file cannot be used; names the file, the key and the reason."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials and TLS, by the keys of Prometheus' `http_config`; files are read for each request."""

    username: str = ""
    password_file: Path | None = None
    bearer_token_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    insecure_skip_verify: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read them from a YAML file.

        Raises:
            CredentialsError: it cannot be read, or a key is unknown or has a wrong type.
        """
        try:
            document = read_yaml(path) or {}
        except FileError as error:
            raise CredentialsError(str(error)) from error
        if not isinstance(document, dict):
            raise CredentialsError(f"{path}: a mapping of keys to values is needed")
        return cls(**{key: _setting(path, key, value) for key, value in document.items()})


def _setting(path: Path, key: str, value: object) -> Any:
    if key not in Credentials.__dataclass_fields__:
        raise CredentialsError(f"{path}: {key}: unknown key; known are {', '.join(Credentials.__dataclass_fields__)}")
    if key == "headers" and isinstance(value, dict) and all(isinstance(text, str) for text in value.values()):
        return value
    if key == "headers" or not isinstance(value, str):
        raise CredentialsError(f"{path}: {key}: has a wrong type")
    if key == "insecure_skip_verify":
        return _boolean(path, key, value)
    # A file's name is relative to the file that names it, as everywhere in the ecosystem.
    return path.parent / value if key.endswith("_file") else value


def _boolean(path: Path, key: str, text: str) -> bool:
    try:
        return values.boolean(text)
    except ValueError as error:
        raise CredentialsError(f"{path}: {key}: {error}") from error


_kept = threading.local()  # open connections; requests' sessions are not for several threads


def _session() -> requests.Session:
    session = getattr(_kept, "session", None)
    if session is None:
        session = _kept.session = requests.Session()
        session.trust_env = False  # neither a proxy nor a .netrc nobody told us of
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    assert isinstance(session, requests.Session)
    return session


def _hung_up(error: requests.ConnectionError) -> bool:
    """Return whether the other end closed the connection instead of answering."""
    cause = error.args[0] if error.args else None
    return isinstance(cause, ProtocolError) and isinstance(cause.args[-1], ConnectionResetError | BrokenPipeError)


def _plain(error: Exception) -> str:
    """Return what the system said of it, which two libraries have wrapped in their own words several times."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and not isinstance(found, requests.RequestException):
            return found.strerror or str(found) or type(found).__name__
        found = found.__cause__ or found.__context__
    return str(error) or type(error).__name__


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whole."""

    status: int
    body: bytes | bytearray

    def excerpt(self) -> str:
        """The beginning of the body, for a message."""
        return " ".join(self.body[:300].decode(errors="replace").split())


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A base URL with its limits.

    Attributes:
        url: without user or password; may have a path.
        timeout_seconds: the most one exchange may take, from its first byte to its last.
        limit_bytes: the most an answer's body may have once unpacked.
    """

    url: str
    credentials: Credentials
    timeout_seconds: Seconds
    limit_bytes: int

    def get(self, path: str) -> Answer:
        """GET. Raises TransportError."""
        return self._exchange("GET", path, None)

    def post_form(self, path: str, form: Mapping[str, str], strip: Strip | None = None) -> Answer:
        """POST a form.

        Args:
            strip: takes out of an answer's body what it can do with, time and again while more comes of it; not called
                for a status other than 200.

        Raises:
            TransportError; and what `strip` raises.
        """
        return self._exchange("POST", path, form, strip)

    def post_json(self, path: str, body: bytes) -> Answer:
        """POST JSON. Raises TransportError."""
        return self._exchange("POST", path, body)

    def _exchange(
        self, method: str, path: str, data: Mapping[str, str] | bytes | None, strip: Strip | None = None
    ) -> Answer:
        deadline = time.monotonic() + self.timeout_seconds  # never compared with the detector's own clock
        try:
            try:
                return self._asked(method, path, data, deadline, strip)
            except requests.ConnectionError as error:
                # A kept connection may be closed at the other end just as it is used again: nobody took in what was
                # asked. All that is asked, alerts too, may be asked twice.
                if not _hung_up(error):
                    raise
                return self._asked(method, path, data, deadline, strip)
        except (requests.RequestException, HTTPError, OSError, UnicodeDecodeError) as error:
            raise TransportError(f"{self.url}: {_plain(error)}") from error

    def _asked(
        self, method: str, path: str, data: Mapping[str, str] | bytes | None, deadline: float, strip: Strip | None
    ) -> Answer:
        with _session().request(
            method,
            self.url.rstrip("/") + path,
            data=data,
            headers=self._headers(isinstance(data, bytes)),
            auth=self._basic(),
            verify=self._verify(),
            cert=self._certificate(),
            timeout=max(deadline - time.monotonic(), LEAST_SECONDS),
            allow_redirects=False,
            stream=True,
        ) as response:
            return Answer(response.status_code, self._body(response, deadline, strip))

    def _body(self, response: requests.Response, deadline: float, strip: Strip | None) -> bytearray:
        received, size = bytearray(), 0
        # read1 returns with what is there: a body that drips must not outlast the deadline.
        while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
            received += chunk
            size += len(chunk)
            if size > self.limit_bytes:
                raise TransportError(f"{self.url}: the answer exceeds {self.limit_bytes} bytes")
            if time.monotonic() > deadline:
                raise TransportError(f"{self.url}: the answer took more than {self.timeout_seconds:g} s")
            if strip is not None and response.status_code == HTTPStatus.OK:
                strip(received)
        return received  # not copied: it may be the most of what is in memory

    def _headers(self, is_json: bool) -> dict[str, str]:
        headers = {
            "User-Agent": "larimar-detector",
            "Accept-Encoding": encodings(self.url),
            **self.credentials.headers,
        }
        if is_json:
            headers["Content-Type"] = "application/json"
        if self.credentials.bearer_token_file is not None:
            token = self.credentials.bearer_token_file.read_text(encoding="utf-8").strip()
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def _basic(self) -> tuple[str, str] | None:
        if not self.credentials.username:
            return None
        file = self.credentials.password_file
        return (self.credentials.username, file.read_text(encoding="utf-8").strip() if file else "")

    def _verify(self) -> bool | str:
        if self.credentials.insecure_skip_verify:
            return False
        return str(self.credentials.ca_file) if self.credentials.ca_file else True

    def _certificate(self) -> str | tuple[str, str] | None:
        if self.credentials.cert_file is None:
            return None
        if self.credentials.key_file is None:
            return str(self.credentials.cert_file)
        return (str(self.credentials.cert_file), str(self.credentials.key_file))


def encodings(url: str) -> str:
    """Return how answers may be packed: where no wire is between, packing costs both ends more than it gives."""
    host = urlsplit(url).hostname or ""
    try:
        is_near = ip_address(host).is_loopback
    except ValueError:
        is_near = host == "localhost"
    return "identity" if is_near else "gzip, deflate"


def base_url(text: str) -> str:
    """Read the absolute URL of a server, whose path may be a prefix; it is shown in labels, so it holds no password.

    Raises:
        ValueError: it is no such URL, or has a user or password in it.
    """
    url = values.url(text)
    if "@" in urlsplit(url).netloc:
        raise ValueError("must not hold a user or password; name a file with them instead")
    return url
