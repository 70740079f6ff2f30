"""Writes values as people read them, with their units."""

from math import isinf, isnan

from detector.model import Kind, Signal

LEAST_SHOWN_SHARE = 1e-5
SHARE, BYTES = "share ", "bytes"


def amount(value: float, signal: Signal) -> str:
    """A value as a person writes it, with its unit."""
    if isnan(value):
        return "nothing"
    if isinf(value):
        return "any"
    if _is_share(signal):
        return f"{_figure(value * 100)} %" if abs(value) >= LEAST_SHOWN_SHARE else "0 %"
    if signal.unit == "seconds":
        return _scaled(value, ((1, "s"), (1e-3, "ms"), (1e-6, "us")))
    if _is_bytes(signal):
        return _scaled(value, ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B"))) + signal.unit.removeprefix(
            BYTES
        )
    figure = _figure(value)
    return f"{figure} {_one(signal.unit) if figure == '1' else signal.unit}"


def whole_amount(value: float, signal: Signal) -> str:
    """The same, of a share also with what it is a share of."""
    of = signal.unit.removeprefix(SHARE) if signal.unit.startswith(f"{SHARE}of ") else ""
    told = amount(value, signal)
    return f"{told} {of}" if of and told.endswith("%") else told


def bare_amount(value: float, signal: Signal) -> str:
    """The same without a unit that is longer than a few letters: see `unit_shown`."""
    return amount(value, signal) if _is_short(signal) else _figure(value)


def unit_shown(signal: Signal) -> str:
    """What to say once of the unit of amounts that are written without it."""
    return "" if _is_short(signal) else f" ({signal.unit})"


def _is_short(signal: Signal) -> bool:
    return _is_share(signal) or _is_bytes(signal) or signal.unit == "seconds"


def _is_share(signal: Signal) -> bool:
    return signal.kind in (Kind.RATIO, Kind.BOUNDED) or signal.unit.startswith(SHARE)


def _is_bytes(signal: Signal) -> bool:
    return signal.unit == BYTES or signal.unit.startswith(f"{BYTES} per ")


def _one(unit: str) -> str:
    """Return the unit of one: `requests per second` of one is `request per second`."""
    counted, per, time = unit.partition(" per ")
    ending = "es" if counted.endswith("sses") else "s"
    return counted.removesuffix(ending) + per + time


def _scaled(value: float, units: tuple[tuple[float, str], ...]) -> str:
    size, name = next((unit for unit in units if abs(value) >= unit[0]), units[-1])
    return f"{_figure(value / size)} {name}"


def _figure(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
