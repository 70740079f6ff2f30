"""Reads what is watched from `signals.yml` files."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from detector.model import Bad, Kind, Seconds, Severity, Signal, Symptom

SHIPPED = Path(__file__).with_name("signals.yml")


class SignalsError(ValueError):
    """A signals file is of no use; names the file, the key and the reason."""


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
    """The PromQL with `$window` filled in."""
    return query.replace("$window", duration(window))


def duration(seconds: Seconds) -> str:
    """A PromQL duration, which knows no fractions."""
    whole = round(seconds)
    return f"{whole}s" if whole == seconds else f"{round(seconds * 1000)}ms"


def _read(path: Path) -> list[Signal]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SignalsError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise SignalsError(f"{path}: is not YAML: {error}") from error
    if not isinstance(document, dict) or not document:
        raise SignalsError(f"{path}: must hold signals by their names, not {type(document).__name__}")
    return [_signal(path, name, entry) for name, entry in document.items()]


def _signal(path: Path, name: object, entry: object) -> Signal:
    if not isinstance(name, str) or not name.replace("_", "a").isalnum():
        raise SignalsError(f"{path}: {name!r}: a signal's name is of letters, digits and underscores")
    if not isinstance(entry, dict):
        raise SignalsError(f"{path}: {name}: must hold the keys {', '.join(KEYS)}")
    unknown = sorted(str(key) for key in entry if key not in KEYS)
    if unknown:
        raise SignalsError(f"{path}: {name}.{unknown[0]}: unknown key; known are {', '.join(KEYS)}")
    missing = [key for key in KEYS if key not in entry and key not in OPTIONAL]
    if missing:
        raise SignalsError(f"{path}: {name}.{missing[0]}: missing")
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
    if "$" in query.replace("$window", ""):
        raise ValueError("knows no variable but $window")
    return query


def _positive(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ValueError(f"must be a number above zero, not {value!r}")
    return float(value)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"must be a whole number, not {value!r}")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {value!r}")
    return value


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
}
OPTIONAL = frozenset({"symptom", "severity"})
