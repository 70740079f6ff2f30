"""Log messages as logfmt or JSON: `extra` becomes fields, credentials are left out."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TextIO

LEVELS = ("debug", "info", "warn", "error")
FORMATS = ("logfmt", "json")

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_OWN = frozenset({"ts", "level", "logger", "msg", "err", "trace"})
_SECRET_NAME = re.compile(r"passw|passphrase|secret|token|authori[sz]ation|credential|api_?key|cookie", re.IGNORECASE)
_SECRETS = (
    (re.compile(r"(://)[^/\s@'\"]*@"), r"\1***@"),  # a URL's user and password
    (re.compile(r"\b(basic|bearer)\s+[a-z0-9+/._~=-]{6,}", re.IGNORECASE), r"\1 ***"),
)
_BARE = re.compile(r"[!#-<>-\[\]-~]+")  # printable ASCII without space, quote, backslash or equals sign
_NAME = re.compile(r"[^A-Za-z0-9_.-]")


def configure(level: str, line_format: str, stream: TextIO | None = None) -> None:
    """Send all log records of at least `level` to `stream`, standard error by default, one line each.

    Args:
        level: one of LEVELS.
        line_format: one of FORMATS.
        stream: None for standard error.
    """
    handler = logging.StreamHandler(stream if stream is not None else sys.stderr)
    handler.setFormatter(JsonFormatter() if line_format == "json" else LogfmtFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING if level == "warn" else level.upper())
    logging.captureWarnings(True)


class LogfmtFormatter(logging.Formatter):
    """`ts=... level=... msg="..." key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        return " ".join(f"{_NAME.sub('_', name)}={_logfmt(value)}" for name, value in fields(record).items())


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        return json.dumps(fields(record), ensure_ascii=True)


def fields(record: logging.LogRecord) -> dict[str, str | int | float | bool | None]:
    """Return a record's fields in their order: time, level, logger, message, its own, error and trace."""
    found: dict[str, str | int | float | bool | None] = {
        "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": "warn" if record.levelno == logging.WARNING else record.levelname.lower(),
        "logger": record.name,
        "msg": _redacted(record.getMessage()),
    }
    for name, value in vars(record).items():
        if name not in _STANDARD:
            found[f"{name}_" if name in _OWN else name] = "***" if _SECRET_NAME.search(name) else _plain(value)
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        found["err"] = _redacted(f"{type(error).__name__}: {error}")
        found["trace"] = _redacted(logging.Formatter().formatException(record.exc_info))
    return found


def _plain(value: object) -> str | int | float | bool | None:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # JSON has neither NaN nor infinity
    return _redacted(str(value))


def _redacted(text: str) -> str:
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def _logfmt(value: str | int | float | bool | None) -> str:
    text = {None: "null", True: "true", False: "false"}.get(value) if value is None or isinstance(value, bool) else None
    text = str(value) if text is None else text
    return text if _BARE.fullmatch(text) else json.dumps(text)
