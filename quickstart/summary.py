"""The one-screen summary: Prometheus's answers in, lines of text out."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

ELLIPSIS = "…"
_COLUMNS = ("PROTOCOL", "REQ/S", "ERR %", "P50", "P99", "CPU %", "MEMORY")
_WIDTHS = (10, 8, 7, 8, 8, 7, 8)
_LEAST_NAME = 12
_BYTE_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
_TIME_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))


@dataclass(frozen=True, slots=True)
class Sample:
    """One element of an instant vector."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Firing:
    """One alert that fires."""

    name: str
    severity: str
    summary: str


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything the summary is made of; each vector by service, the first four by protocol as well.

    Attributes:
        requests: served per second.
        errors: of these, failed.
        median: seconds, half of the requests take less.
        slow: seconds, 99 % of the requests take less.
        cpu: cores.
        memory: bytes.
        missing: capabilities that the exporter lacks.
        firing: the alerts.
    """

    requests: Sequence[Sample] = ()
    errors: Sequence[Sample] = ()
    median: Sequence[Sample] = ()
    slow: Sequence[Sample] = ()
    cpu: Sequence[Sample] = ()
    memory: Sequence[Sample] = ()
    missing: Sequence[Sample] = ()
    firing: Sequence[Firing] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Row:
    """A service, and one protocol that it serves; NaN where nothing is known."""

    service: str
    protocol: str
    requests: float
    error_ratio: float
    median_seconds: float
    slow_seconds: float
    cpu_cores: float
    memory_bytes: float


def window(scrape_seconds: float) -> str:
    """Return the range of rates: long enough for one lost scrape, short enough to be of now."""
    return f"{max(30, math.ceil(scrape_seconds * 4))}s"


def queries(rate_window: str) -> Mapping[str, str]:
    """Return the PromQL of each vector of `Answers`, by its name."""
    served = f'{{role="server"}}[{rate_window}]'
    by_le = f"sum by (service_name, protocol, le) (rate(larimar_request_duration_seconds_bucket{served}))"
    return {
        "requests": f"sum by (service_name, protocol) (rate(larimar_requests_total{served}))",
        "errors": f"sum by (service_name, protocol) (rate(larimar_request_errors_total{served}))",
        "median": f"histogram_quantile(0.5, {by_le})",
        "slow": f"histogram_quantile(0.99, {by_le})",
        "cpu": f"sum by (service_name) (rate(larimar_service_cpu_seconds_total[{rate_window}]))",
        "memory": "sum by (service_name) (larimar_service_memory_resident_bytes)",
        "missing": "larimar_capability_available == 0",
    }


def rows(answers: Answers) -> list[Row]:
    """Return a row per service and served protocol, the busiest first; a service that serves nothing has one row."""
    errors, median, slow = (_by_pair(each) for each in (answers.errors, answers.median, answers.slow))
    cpu, memory = ({s.labels.get("service_name", ""): s.value for s in each} for each in (answers.cpu, answers.memory))
    found = []
    for (service, protocol), rate in _by_pair(answers.requests).items():
        pair = (service, protocol)
        ratio = errors.get(pair, 0.0) / rate if rate > 0 else math.nan
        resources = (cpu.get(service, math.nan), memory.get(service, math.nan))
        found.append(
            Row(service, protocol, rate, ratio, median.get(pair, math.nan), slow.get(pair, math.nan), *resources)
        )
    serving = {row.service for row in found}
    for service in (cpu.keys() | memory.keys()) - serving:
        blank = (math.nan,) * 4
        found.append(Row(service, "", *blank, cpu.get(service, math.nan), memory.get(service, math.nan)))
    return sorted(found, key=_busiest)


def lines(answers: Answers, width: int, height: int) -> list[str]:
    """Return the summary in at most `height` lines of at most `width` characters."""
    head = [_clipped(f"FIRING {each.severity}: {each.name}: {each.summary}", width) for each in answers.firing]
    lacking = sorted({sample.labels.get("capability", "") for sample in answers.missing})
    if lacking:
        head.append(_clipped(f"not permitted: {', '.join(lacking)}; the exporter's log says how to permit it", width))
    table = rows(answers)
    if not table:
        return [*head, "no services yet"][:height]
    name_width = max(_LEAST_NAME, min(max(len(row.service) for row in table), width - sum(_WIDTHS) - len(_WIDTHS)))
    head.append(_line("SERVICE", _COLUMNS, name_width, width))
    body = [_line(row.service, _cells(row), name_width, width) for row in table]
    room = max(1, height - len(head))
    if len(body) > room:
        body = [*body[: room - 1], f"{ELLIPSIS} and {len(body) - room + 1} more"]
    return [*head, *body][:height]


def _by_pair(samples: Sequence[Sample]) -> dict[tuple[str, str], float]:
    return {(s.labels.get("service_name", ""), s.labels.get("protocol", "")): s.value for s in samples}


def _busiest(row: Row) -> tuple[float, float, str, str]:
    busy = 0.0 if math.isnan(row.requests) else row.requests
    cpu = 0.0 if math.isnan(row.cpu_cores) else row.cpu_cores
    return (-busy, -cpu, row.service, row.protocol)


def _line(name: str, cells: Sequence[str], name_width: int, width: int) -> str:
    first, *numbers = cells
    parts = [_clipped(name, name_width).ljust(name_width), first.ljust(_WIDTHS[0])]
    parts += [cell.rjust(size) for cell, size in zip(numbers, _WIDTHS[1:], strict=True)]
    return _clipped(" ".join(parts), width).rstrip()


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.protocol or "-",
        _known(row.requests, rate),
        _known(row.error_ratio, lambda ratio: f"{ratio * 100:.1f}"),
        _known(row.median_seconds, duration),
        _known(row.slow_seconds, duration),
        _known(row.cpu_cores, lambda cores: f"{cores * 100:.1f}"),
        _known(row.memory_bytes, size),
    )


def _known(value: float, shown: Callable[[float], str]) -> str:
    return shown(value) if math.isfinite(value) else "-"


def rate(per_second: float) -> str:
    """Return a rate with three digits: `0.25`, `12.5`, `1.25k`."""
    if per_second >= 1000:
        return f"{per_second / 1000:.4g}k"
    return f"{per_second:.3g}"


def duration(seconds: float) -> str:
    """Return a time with three digits: `250us`, `1.5ms`, `2s`."""
    for unit, name in _TIME_UNITS:
        if seconds >= unit:
            return f"{seconds / unit:.3g}{name}"
    return f"{seconds * 1e6:.2g}us"


def size(size_bytes: float) -> str:
    """Return a size in binary units: `12.5MiB`."""
    for unit, name in _BYTE_UNITS:
        if size_bytes >= unit:
            return f"{size_bytes / unit:.4g}{name}"
    return f"{size_bytes:.0f}B"


def _clipped(text: str, width: int) -> str:
    """Return at most `width` characters; a name may contain anything, even terminal control characters."""
    safe = "".join(character if character.isprintable() else "?" for character in text)
    return safe if len(safe) <= width else safe[: width - 1] + ELLIPSIS
