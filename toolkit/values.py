"""Parsers of settings' values: text in, value out; a ValueError says what is wrong."""

import ipaddress
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar("T", int, float)

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w|y)")
_DURATION_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_SIZE = re.compile(r"(\d+)\s*(B|[kK]B|MB|GB|[kK]iB|MiB|GiB)?")
_SIZE_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen.

    Attributes:
        host: an IP address or a name, IPv6 without brackets; empty for every interface.
        port: 0 lets the system choose.
    """

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def boolean(text: str) -> bool:
    """Read true/false, yes/no, on/off or 1/0."""
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise ValueError(f"{text!r} is neither true nor false") from None


def whole_number(text: str) -> int:
    """Read a whole number."""
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number") from None


def number(text: str) -> float:
    """Read a finite number."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not finite")
    return value


def within(parse: Callable[[str], T], least: float, most: float = math.inf) -> Callable[[str], T]:
    """Return `parse` with inclusive bounds."""

    def bounded(text: str) -> T:
        value = parse(text)
        if value < least:
            raise ValueError(f"{text!r} is less than {least}")
        if value > most:
            raise ValueError(f"{text!r} is more than {most}")
        return value

    return bounded


def duration_seconds(text: str) -> float:
    """Read a Prometheus duration such as `30s`, `1h30m` or `14d`; a bare number is seconds."""
    parts = list(_DURATION.finditer(text))
    if parts and "".join(part.group() for part in parts) == text:
        return sum(float(part[1]) * _DURATION_SECONDS[part[2]] for part in parts)
    try:
        value = number(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a duration such as 30s, 5m or 1h30m") from None
    if value < 0:
        raise ValueError(f"{text!r} is negative")
    return value


def duration_text(seconds: float) -> str:
    """Write a duration in its largest unit that leaves a whole number: `28d`, `90s`."""
    for unit in ("d", "h", "m", "s"):
        if seconds >= _DURATION_SECONDS[unit] and seconds % _DURATION_SECONDS[unit] == 0:
            return f"{seconds / _DURATION_SECONDS[unit]:g}{unit}"
    return f"{seconds:g}s"


def size_bytes(text: str) -> int:
    """Read a size such as `512`, `64MB` (decimal) or `32MiB` (binary)."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a size such as 64MB or 32MiB")
    return int(match[1]) * _SIZE_BYTES[(match[2] or "B").upper()]


def size_text(size: int) -> str:
    """Write a number of bytes in its largest binary unit that leaves a whole number: `32MiB`."""
    for unit in ("GiB", "MiB", "kiB"):
        if size and size % _SIZE_BYTES[unit.upper()] == 0:
            return f"{size // _SIZE_BYTES[unit.upper()]}{unit}"
    return f"{size}B"


def choice(*allowed: str) -> Callable[[str], str]:
    """Return a parser that takes one of the given words."""

    def one_of(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"{text!r} is not one of {', '.join(allowed)}")
        return text

    return one_of


def address(text: str) -> Address:
    """Read `host:port`, `[v6]:port` or `:port`."""
    host, separator, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{text!r}: an IPv6 address goes in brackets")
    if not separator or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is not an address such as 127.0.0.1:10177 or :10177")
    return Address(host, int(port))


def url(text: str) -> str:
    """Read an absolute http or https URL, without its trailing slash; errors never quote it, it may hold a password."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or re.search(r"\s", text):
        raise ValueError("not an absolute URL such as http://127.0.0.1:9090")
    if parts.query or parts.fragment:
        raise ValueError("the URL must have neither query nor fragment")
    return text.rstrip("/")
