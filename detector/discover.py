"""Makes signals of metrics that nobody described: rates of counters, quantiles of histograms, levels of gauges."""

import re
from collections.abc import Iterator, Mapping

from detector.model import Bad, Kind, Severity, Signal, Symptom

MOST_SIGNALS = 500
PRIORITY = 1_000  # what is known of services names an incident first
# Constants, clocks and what programs say of themselves in every language: changes there tell nothing of a service.
TELLS_NOTHING = re.compile(
    r"(_info|_timestamp|_timestamp_seconds|_created|_start_time_seconds|_version)$|^(go|python|promhttp|scrape)_"
)
HARM = re.compile(r"(^|_)(errors?|failures?|failed|dropped|discarded|timeouts?|rejected|exceptions?|panics?|oom)(_|$)")
LEAST_RATE = 0.05  # per second
LEAST_SECONDS = 0.005
LEAST_LEVEL = 1e-6
ADVICE = "Look at what else of this job departs, and at what was changed last."


def discovered(types: Mapping[str, str], pattern: str) -> tuple[Signal, ...]:
    """Return the signals of metrics by their names' order, never more than MOST_SIGNALS.

    A series' service is its `service_name`, or its `job` where it has none.

    Args:
        types: of each metric, as Prometheus' metadata has it: counter, gauge, histogram, summary; others are left out.
        pattern: a regular expression that a metric's whole name must match.
    """
    chosen = re.compile(pattern)
    found: list[Signal] = []
    for name, kind in sorted(types.items()):
        if (
            re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", name)
            and chosen.fullmatch(name)
            and not TELLS_NOTHING.search(name)
        ):
            found += _signals(name, kind)
    return tuple(found[:MOST_SIGNALS])


def with_foreign(described: tuple[Signal, ...], foreign: tuple[Signal, ...]) -> tuple[Signal, ...]:
    """Return all signals; what somebody described is not replaced by what was discovered."""
    known = {signal.name for signal in described}
    return (*described, *(signal for signal in foreign if signal.name not in known))


def _signals(name: str, kind: str) -> Iterator[Signal]:
    if kind == "counter":
        # OpenMetrics' metadata has the name without the ending that the samples have.
        counted = name if name.endswith("_total") else f"{name}(_total)?"
        yield _signal(name, _sum(_rate(counted)), Kind.RATE, "per second", LEAST_RATE)
    elif kind == "gauge":
        yield _level(name)
    elif kind == "histogram":
        yield _signal(f"{name}_rate", _sum(_rate(f"{name}_count")), Kind.RATE, "per second", LEAST_RATE)
        quantile = f"histogram_quantile(0.95, sum by (service_name, le) ({_rate(f'{name}_bucket')}))"
        yield _duration(f"{name}_p95", name, quantile)
    elif kind == "summary":
        yield _signal(f"{name}_rate", _sum(_rate(f"{name}_count")), Kind.RATE, "per second", LEAST_RATE)
        mean = f"{_sum(_rate(f'{name}_sum'))} / ({_sum(_rate(f'{name}_count'))} > 0)"
        yield _duration(f"{name}_mean", name, mean)


def _duration(signal: str, metric: str, query: str) -> Signal:
    if metric.endswith("_seconds"):
        return _signal(signal, query, Kind.DURATION, "seconds", LEAST_SECONDS, Bad.UP)
    return _signal(signal, query, Kind.GAUGE, _unit(metric), LEAST_LEVEL)


def _level(name: str) -> Signal:
    query = f"avg by (service_name) ({_by_service(name, '')})"
    if name.endswith("_ratio"):
        return _signal(name, query, Kind.BOUNDED, "share", 0.01)
    return _signal(name, query, Kind.GAUGE, _unit(name), LEAST_LEVEL)


def _unit(name: str) -> str:
    for unit in ("seconds", "bytes", "celsius"):
        if name.endswith(f"_{unit}"):
            return unit
    return "units"


def _sum(expression: str) -> str:
    return f"sum by (service_name) ({expression})"


def _rate(name: str) -> str:
    return _by_service(name, "$window")


def _by_service(name: str, window: str) -> str:
    """A metric or its rate with the job as the service of what has none."""

    def of(service: str) -> str:
        selector = f"{{{_named(name)},{service}}}"
        return f"rate({selector}[{window}])" if window else selector

    named, nameless = of('service_name!=""'), of('service_name=""')
    return f'{named} or label_replace({nameless}, "service_name", "$1", "job", "(.+)")'


def _named(name: str) -> str:
    return f'__name__=~"{name}"' if name.endswith("?") else f'__name__="{name}"'


def _signal(name: str, query: str, kind: Kind, unit: str, floor: float, bad: Bad = Bad.BOTH) -> Signal:
    harm = HARM.search(name) is not None
    return Signal(
        name=name,
        query=query,
        unit=unit,
        bad=Bad.UP if harm else bad,
        kind=kind,
        meaning=f"{name} is not what it usually is at this hour.",
        advice=ADVICE,
        floor=floor,
        silence=False,
        priority=PRIORITY,
        symptom=Symptom.HARM if harm else Symptom.USE,
        severity=Severity.WARNING if harm else Severity.INFO,
    )
