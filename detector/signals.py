"""Reads what is watched from `signals.yml` files."""

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from detector.model import Bad, Kind, Seconds, Severity, Signal, Symptom
from toolkit import values
from toolkit.yamlfile import FileError, read_yaml

SHIPPED = Path(__file__).with_name("signals.yml")


class SignalsError(ValueError):
    """A signals file cannot be used; names the file, the key and the reason."""


def load(paths: Iterable[Path]) -> tuple[Signal, ...]:
    """Read files of signals; a later one replaces those of the same name.

    Returns:
        Ordered by priority, then name.

    Raises:
        SignalsError: a file cannot be read, or a key is unknown, missing or has a wrong value.
    """
    signals: dict[str, Signal] = {}
    for path in paths:
        signals.update({signal.name: signal for signal in _read(path)})
    return tuple(sorted(signals.values(), key=lambda signal: (signal.priority, signal.name)))


def with_window(query: str, window: Seconds) -> str:
    """The PromQL with `$window` filled in, of all services."""
    return query.replace("$window", duration(window)).replace("$services", ".*")


def of_services(query: str, window: Seconds, names: Iterable[str]) -> str:
    """The PromQL with `$window` filled in, of some services alone where it has a place for their names."""
    pattern = "|".join(re.escape(name) for name in names)
    return query.replace("$window", duration(window)).replace("$services", quoted(pattern))


def quoted(text: str) -> str:
    """A text as PromQL has it between quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def duration(seconds: Seconds) -> str:
    """A PromQL duration, which knows no fractions."""
    whole = round(seconds)
    return f"{whole}s" if whole == seconds else f"{round(seconds * 1000)}ms"


def _read(path: Path) -> list[Signal]:
    try:
        document = read_yaml(path)
    except FileError as error:
        raise SignalsError(str(error)) from error
    if not isinstance(document, dict) or not document:
        raise SignalsError(f"{path}: must hold signals by their names")
    return [_signal(path, name, entry) for name, entry in document.items()]


def _signal(path: Path, name: object, entry: object) -> Signal:
    if not isinstance(name, str) or re.fullmatch(r"[a-z][a-z0-9_]*", name) is None:
        raise SignalsError(f"{path}: {name!r}: a signal's name is of lower-case letters, digits and underscores")
    if not isinstance(entry, dict):
        raise SignalsError(f"{path}: {name}: must hold the keys {', '.join(KEYS)}")
    unknown = sorted(str(key) for key in entry if key not in KEYS)
    if unknown:
        raise SignalsError(f"{path}: {name}.{unknown[0]}: unknown key; known are {', '.join(KEYS)}")
    missing = [key for key in KEYS if key not in entry and key not in OPTIONAL]
    if missing:
        raise SignalsError(f"{path}: {name}.{missing[0]}: missing")
    if "kinds" in entry and "every" not in entry:
        raise SignalsError(f"{path}: {name}.kinds: needs every, how often to count them")
    return Signal(name=name, **{key: _value(path, name, key, value) for key, value in entry.items()})


def _value(path: Path, name: str, key: str, value: object) -> Any:
    try:
        return KEYS[key](value)
    except ValueError as error:
        raise SignalsError(f"{path}: {name}.{key}: {error}") from error


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"must be text, not {value!r}")
    return " ".join(value.split())


def _query(value: object) -> str:
    query = _text(value)
    # $1 is what label_replace takes from a label.
    if "$" in query.replace("$window", "").replace("$services", "").replace("$1", ""):
        raise ValueError("knows no variables but $window and $services")
    return query


def _positive(value: object) -> float:
    number = values.number(_text(value))
    if number <= 0:
        raise ValueError(f"must be above zero, not {number:g}")
    return number


def _whole(value: object) -> int:
    return values.whole_number(_text(value))


def _truth(value: object) -> bool:
    return values.boolean(_text(value))


def _span(value: object) -> Seconds:
    return values.duration_seconds(_text(value))


def _one_of(kind: type[StrEnum]) -> Callable[[object], StrEnum]:
    def parse(value: object) -> StrEnum:
        try:
            return kind(str(value))
        except ValueError:
            raise ValueError(f"must be one of {', '.join(kind)}, not {value!r}") from None

    return parse


KEYS: Mapping[str, Callable[[object], object]] = {
    "query": _query,
    "unit": _text,
    "bad": _one_of(Bad),
    "kind": _one_of(Kind),
    "meaning": _text,
    "advice": _text,
    "floor": _positive,
    "silence": _truth,
    "priority": _whole,
    "symptom": _one_of(Symptom),
    "severity": _one_of(Severity),
    "counts": _query,
    "packets": _truth,
    "calls": _truth,
    "history": _span,
    "remaining": _query,
    "every": _span,
    "kinds": _query,
}
OPTIONAL = frozenset({"symptom", "severity", "counts", "packets", "calls", "history", "remaining", "every", "kinds"})
