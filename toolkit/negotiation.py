"""Chooses the page's format by what the scraper accepts, as prometheus_client does."""

import re
from dataclasses import dataclass

OPEN = "application/openmetrics-text"
_PLAIN = "text/plain"
_DEFAULT = f"{_PLAIN}; version=0.0.4; charset=utf-8"
_UNDERSCORES = "underscores"
_ESCAPINGS = (_UNDERSCORES, "allow-utf-8", "dots", "values")
# What changes no name that every Prometheus reads, as all of toolkit.families are.
_UNCHANGED = ("", _UNDERSCORES, "allow-utf-8")
_VERSION = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4})*")
_NEW = (1, 0, 0)  # the first versions that know of escaping


@dataclass(frozen=True, slots=True)
class Format:
    """A page's format; its content type is that of the response."""

    content_type: str = _DEFAULT

    @property
    def is_open(self) -> bool:
        """Whether it is OpenMetrics."""
        return self.content_type.startswith(OPEN)

    @property
    def changes_names(self) -> bool:
        """Whether names are written otherwise than as they are."""
        return self.content_type.partition("escaping=")[2] not in _UNCHANGED


def negotiate(accept: str) -> Format:
    """Return the first format of an Accept header that is known and new enough; else the oldest text."""
    for accepted in accept.split(","):
        kind, *rest = accepted.split(";")
        kind = kind.strip()
        if kind not in (OPEN, _PLAIN):
            continue
        version, escaping = _parameter(rest, "version"), _parameter(rest, "escaping")
        scheme = escaping if escaping in _ESCAPINGS else _UNDERSCORES
        if _VERSION.fullmatch(version) and tuple(map(int, version.split("."))) >= _NEW:
            told = version if kind == OPEN else "1.0.0"
            return Format(f"{kind}; version={told}; charset=utf-8; escaping={scheme}")
        if kind == OPEN and not version:
            return Format(f"{OPEN}; version=1.0.0; charset=utf-8")
    return Format()


def _parameter(parameters: list[str], name: str) -> str:
    for parameter in parameters:
        key, separator, value = parameter.strip().partition("=")
        if separator and key == name:
            return value
    return ""
