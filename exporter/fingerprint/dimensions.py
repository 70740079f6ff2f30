"""The dimensions of a fingerprint: each a number between 0 and 1, robust as it is a share or a clipped logarithm."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from exporter.fingerprint.activity import Activity, Amount

Value = Callable[[Activity], float | None]
LEAST_REQUESTS = 3.0  # fewer tell nothing of sizes and times


@dataclass(frozen=True, slots=True)
class Dimension:
    """One number of the vector; None where nothing is known of it, as of answers where nothing was asked."""

    name: str
    value: Value


def between(value: float, low: float, high: float) -> float:
    """Return where `value` lies between `low` (0) and `high` (1) on a logarithmic scale, clipped."""
    if value <= low:
        return 0.0
    return min(1.0, math.log(value / low) / math.log(high / low))


def _rate(amount: Amount, low: float, high: float) -> Value:
    return lambda activity: between(activity.rate(amount), low, high)


def _io_rate(amount: Amount, low: float, high: float) -> Value:
    return lambda activity: between(activity.rate(amount), low, high) if activity.holding.has_io else None


def _share(part: Amount, whole: Amount) -> Value:
    def value(activity: Activity) -> float | None:
        total = activity.amount(whole)
        return min(1.0, activity.amount(part) / total) if total >= LEAST_REQUESTS else None

    return value


def _each(part: Amount, whole: Amount, low: float, high: float) -> Value:
    """Return the mean amount for each one of `whole`."""

    def value(activity: Activity) -> float | None:
        total = activity.amount(whole)
        return between(activity.amount(part) / total, low, high) if total >= LEAST_REQUESTS else None

    return value


def _cpu_busy(activity: Activity) -> float:
    return between(activity.rate(Amount.CPU_USER) + activity.rate(Amount.CPU_SYSTEM), 1e-4, 64)


def _cpu_system(activity: Activity) -> float | None:
    system = activity.amount(Amount.CPU_SYSTEM)
    total = system + activity.amount(Amount.CPU_USER)
    return system / total if total >= 0.2 else None  # twenty ticks of the kernel's clock


def _cpu_each(activity: Activity) -> float | None:
    requests = activity.amount(Amount.SERVED) + activity.amount(Amount.ASKED)
    cpu = activity.amount(Amount.CPU_USER) + activity.amount(Amount.CPU_SYSTEM)
    return between(cpu / requests, 1e-6, 10) if requests >= LEAST_REQUESTS else None


def _datagrams(activity: Activity) -> float | None:
    datagrams, streams = len(activity.holding.datagram_ports), len(activity.holding.ports)
    return datagrams / (datagrams + streams) if datagrams + streams else None


def _low_ports(activity: Activity) -> float:
    return float(any(port < 1024 for port in activity.holding.ports | activity.holding.datagram_ports))


def _serving(activity: Activity) -> float | None:
    served, asked = activity.amount(Amount.SERVED), activity.amount(Amount.ASKED)
    return served / (served + asked) if served + asked >= LEAST_REQUESTS else None


_PASSED = (
    (Amount.SPEAKS_HTTP, Amount.ASKS_HTTP),
    (Amount.SPEAKS_RECORDS, Amount.ASKS_RECORDS),
    (Amount.SPEAKS_KEYS, Amount.ASKS_KEYS),
    (Amount.SPEAKS_MESSAGES, Amount.ASKS_MESSAGES),
    (Amount.SPEAKS_NAMES, Amount.ASKS_NAMES),
)


def _passed_requests(activity: Activity) -> float | None:
    """Return the share of what is served that may have been asked of somebody else, in the same protocol."""
    served = activity.amount(Amount.SERVED)
    passed = sum(min(activity.amount(speaks), activity.amount(asks)) for speaks, asks in _PASSED)
    return min(1.0, passed / served) if served >= LEAST_REQUESTS else None


def _passed_bytes(activity: Activity) -> float | None:
    """Return how alike in size are what is answered and what others answered: 1 where it is the same."""
    given, got = activity.amount(Amount.RESPONSE_BYTES), activity.amount(Amount.GOT_BYTES)
    return min(given, got) / max(given, got, 1.0) if activity.amount(Amount.SERVED) >= LEAST_REQUESTS else None


def _unevenness(activity: Activity) -> float | None:
    """Return how uneven the requests come: 0 as a clock, near 1 in rare bursts."""
    if activity.count < 6 or activity.steps < LEAST_REQUESTS:
        return None
    mean = activity.steps / activity.count
    variation = math.sqrt(max(0.0, activity.squares / activity.count - mean * mean)) / mean
    return variation / (1.0 + variation)


DIMENSIONS: tuple[Dimension, ...] = (
    Dimension("cpu_busy", _cpu_busy),
    Dimension("cpu_system", _cpu_system),
    Dimension("cpu_each", _cpu_each),
    Dimension("memory", lambda activity: between(activity.holding.resident_bytes, 1 << 20, 1 << 36)),
    Dimension("processes", lambda activity: between(activity.holding.processes, 1, 256)),
    Dimension(
        "threads", lambda activity: between(activity.holding.threads / max(1, activity.holding.processes), 1, 256)
    ),
    Dimension("files", lambda activity: between(activity.holding.open_files, 1, 65536)),
    Dimension("faults", _rate(Amount.FAULTS, 0.1, 1e6)),
    Dimension("disk_read", _io_rate(Amount.READ_BYTES, 1e3, 1e9)),
    Dimension("disk_written", _io_rate(Amount.WRITTEN_BYTES, 1e3, 1e9)),
    Dimension("read_calls", _io_rate(Amount.READ_CALLS, 0.1, 1e6)),
    Dimension("write_calls", _io_rate(Amount.WRITE_CALLS, 0.1, 1e6)),
    Dimension("interpreted", lambda activity: float(activity.holding.is_interpreted)),
    Dimension("ports", lambda activity: between(len(activity.holding.ports) + 1, 1, 17)),
    Dimension("ports_low", _low_ports),
    Dimension("ports_datagram", _datagrams),
    Dimension("requests", _rate(Amount.SERVED, 0.01, 1e5)),
    Dimension("serving", _serving),
    Dimension("asked_each", _each(Amount.ASKED, Amount.SERVED, 0.01, 100)),
    Dimension("requests_each_connection", _each(Amount.SERVED, Amount.ACCEPTS, 1, 1e4)),
    Dimension("request_size", _each(Amount.REQUEST_BYTES, Amount.SERVED, 1, 1e7)),
    Dimension("response_size", _each(Amount.RESPONSE_BYTES, Amount.SERVED, 1, 1e7)),
    Dimension("response_time", _each(Amount.RESPONSE_SECONDS, Amount.TIMED, 1e-6, 100)),
    Dimension("errors", _share(Amount.FAILED, Amount.SERVED)),
    Dimension("writes", _share(Amount.WRITES, Amount.SPEAKS_HTTP)),
    Dimension("passed_requests", _passed_requests),
    Dimension("passed_bytes", _passed_bytes),
    Dimension("unevenness", _unevenness),
    Dimension("speaks_http", _share(Amount.SPEAKS_HTTP, Amount.SERVED)),
    Dimension("speaks_records", _share(Amount.SPEAKS_RECORDS, Amount.SERVED)),
    Dimension("speaks_keys", _share(Amount.SPEAKS_KEYS, Amount.SERVED)),
    Dimension("speaks_messages", _share(Amount.SPEAKS_MESSAGES, Amount.SERVED)),
    Dimension("speaks_names", _share(Amount.SPEAKS_NAMES, Amount.SERVED)),
    Dimension("speaks_mail", _share(Amount.SPEAKS_MAIL, Amount.SERVED)),
    Dimension("speaks_search", _share(Amount.SPEAKS_SEARCH, Amount.SERVED)),
    Dimension("speaks_directory", _share(Amount.SPEAKS_DIRECTORY, Amount.SERVED)),
    Dimension("speaks_other", _share(Amount.SPEAKS_OTHER, Amount.SERVED)),
    Dimension("asks_http", _share(Amount.ASKS_HTTP, Amount.ASKED)),
    Dimension("asks_records", _share(Amount.ASKS_RECORDS, Amount.ASKED)),
    Dimension("asks_keys", _share(Amount.ASKS_KEYS, Amount.ASKED)),
    Dimension("asks_messages", _share(Amount.ASKS_MESSAGES, Amount.ASKED)),
    Dimension("asks_names", _share(Amount.ASKS_NAMES, Amount.ASKED)),
    Dimension("asks_other", _share(Amount.ASKS_OTHER, Amount.ASKED)),
)
"""In the order of the model's weights; a new one comes with a new model."""

NAMES: tuple[str, ...] = tuple(dimension.name for dimension in DIMENSIONS)

Vector = tuple[float | None, ...]
"""One value for each of `DIMENSIONS`."""


def vector(activity: Activity) -> Vector:
    """Return a service's fingerprint."""
    return tuple(dimension.value(activity) for dimension in DIMENSIONS)
