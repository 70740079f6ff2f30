"""Who may make requests, and how often: basic authentication against bcrypt hashes, and a rate limit."""

import base64
import binascii
import threading
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum

from toolkit.http1 import Request
from toolkit.webconfig import RateLimit, WebConfig

_REMEMBERED = 100  # exporter-toolkit's cache size
_BCRYPT_BYTES = 72  # bcrypt reads no more of a password
# Compared against where the user is unknown, so that the answer's time does not tell which users exist. Of no password.
_NOBODY = "$2b$10$" + "." * 53


class Verdict(Enum):
    """Whether a request is served."""

    ALLOWED = "allowed"
    UNAUTHORISED = "unauthorised"
    BUSY = "busy"  # too many strangers are being checked


class Credentials:
    """Checks passwords; caches what it verified, so that a scrape costs one hash instead of one bcrypt."""

    def __init__(self, secret: bytes, wait_seconds: float = 5.0) -> None:
        """Start knowing nobody.

        Args:
            secret: random bytes of this process, keyed into what is remembered.
            wait_seconds: how long a stranger waits for those before to be checked.
        """
        self._secret = secret
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()
        self._checking = threading.Lock()  # bcrypt is slow on purpose: strangers cost at most one core
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._refused: OrderedDict[bytes, None] = OrderedDict()

    def check(self, config: WebConfig, request: Request) -> Verdict:
        """Return whether the request carries a user of `config` and the user's password."""
        if not config.users:
            return Verdict.ALLOWED
        user, password = _basic(request.headers.get("authorization", ""))
        if user is None:
            return Verdict.UNAUTHORISED
        expected = config.users.get(user, _NOBODY)
        import hashlib  # noqa: PLC0415  # it brings OpenSSL, four megabytes that most do without

        key = hashlib.blake2b(b"\0".join((user.encode(), expected.encode(), password)), key=self._secret).digest()
        remembered = self._remembered(key)
        if remembered is not None:
            return remembered
        if not self._checking.acquire(timeout=self._wait_seconds):
            return Verdict.BUSY
        try:
            import bcrypt  # noqa: PLC0415  # half a megabyte that most do without

            right = bcrypt.checkpw(password[:_BCRYPT_BYTES], expected.encode()) and user in config.users
        except ValueError:  # a password with a NUL
            right = False
        finally:
            self._checking.release()
        self._remember(self._known if right else self._refused, key)
        return Verdict.ALLOWED if right else Verdict.UNAUTHORISED

    def _remembered(self, key: bytes) -> Verdict | None:
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return Verdict.ALLOWED
            return Verdict.UNAUTHORISED if key in self._refused else None

    def _remember(self, where: OrderedDict[bytes, None], key: bytes) -> None:
        """Cache wrong passwords apart from right ones, so that guessing never evicts a scraper."""
        with self._lock:
            where[key] = None
            while len(where) > _REMEMBERED:
                where.popitem(last=False)


def _basic(header: str) -> tuple[str | None, bytes]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None, b""
    try:
        user, separator, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (user.decode() if separator else None), password
    except (binascii.Error, ValueError):
        return None, b""


class Bucket:
    """A token bucket over all clients."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with a full bucket; `clock` gives monotonic seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._limit: RateLimit | None = None
        self._tokens = 0.0
        self._at = 0.0

    def take(self, limit: RateLimit | None) -> bool:
        """Return whether one more request is within the limit; a changed limit starts full."""
        if limit is None:
            return True
        with self._lock:
            now = self._clock()
            if limit != self._limit:
                self._limit, self._tokens = limit, float(limit.burst)
            else:
                self._tokens = min(float(limit.burst), self._tokens + (now - self._at) / limit.interval_seconds)
            self._at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
