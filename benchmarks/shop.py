"""Weeks of a shop in good health, as its exporter would have left them in Prometheus.

Its load follows the day and the week, grows a little, and is noisy. Nothing is wrong with it, but all that is usual
happens: releases and restarts, of the exporter too, a holiday, jobs of each hour and each night, scrapes that fail.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from benchmarks.counted import shares_of_buckets
from benchmarks.stored import write_series
from detector.model import Floats
from exporter.services.histogram import BOUNDS_SECONDS

MINUTE, DAY = 60, 1440
WEEK = 7 * DAY
TARGET = 'job="larimar",instance="shop:10177"'
GROWTH_PER_WEEK = 0.01
RELEASES_PER_WEEK = 1.2
LATENCY_SPREAD = 0.5
REFILL_MINUTES = 700.0  # by when a service has filled most of its caches again
FAILED_SCRAPES = 5e-4
NIGHTLY_AT, NIGHTLY_MINUTES = 150, 30
ORDER_VALUE, ORDER_SPREAD = 3.2, 0.6  # logarithms
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Service:
    """One of the shop's services.

    Attributes:
        rate: requests per second on average.
        latency: of half of them, in seconds.
        failed: share of errors.
        memory: in bytes, at its greatest.
        cores: used on average.
        calls: what it asks others, once per request.
        orders: per request.
        nightly: whether it works for half an hour of each night only.
    """

    name: str
    protocol: str
    rate: float
    latency: float
    failed: float
    memory: float
    cores: float
    calls: tuple[str, ...] = ()
    orders: float = 0.0
    nightly: bool = False


SERVICES = (
    Service("gateway", "http", 40.0, 0.035, 2e-4, 2e8, 0.4, ("shop",)),
    Service("shop", "http", 30.0, 0.025, 5e-4, 9e8, 1.2, ("postgresql", "redis", "payments"), orders=0.02),
    Service("payments", "http", 1.5, 0.180, 2e-3, 4e8, 0.1, ("postgresql",)),
    Service("mailer", "http", 0.3, 0.400, 1e-3, 1e8, 0.02),
    Service("reports", "http", 8.0, 0.060, 0.0, 3e8, 0.5, ("postgresql",), nightly=True),
    Service("redis", "redis", 120.0, 2e-4, 0.0, 1.5e9, 0.2),
    Service("postgresql", "postgresql", 60.0, 3e-3, 1e-4, 4e9, 1.5),
)


@dataclass(frozen=True, slots=True)
class Metric:
    """A series: its family, its labels, and its value at each minute; of a counter, what is added."""

    family: str
    labels: str
    values: Floats
    counter: bool = True


@dataclass(frozen=True, slots=True)
class Calendar:
    """What happens to the whole shop; each of shape (minutes,), but for `restarts`.

    Attributes:
        times: in seconds.
        load: how busy it is, relative to the average.
        recorded: where Prometheus ran.
        scraped: where it reached the exporter.
        restarts: at which minutes the exporter was restarted, ascending.
    """

    times: Ints
    load: Floats
    recorded: Bools
    scraped: Bools
    restarts: Ints


@dataclass(frozen=True, slots=True)
class _Life:
    """What happens to one service; each of shape (minutes,).

    Attributes:
        requests: in each minute.
        latency: of half of the requests, in seconds.
        started: when it was last started, in seconds.
        filled: how much of its caches is filled.
        size: what releases made of its needs.
    """

    requests: Ints
    latency: Floats
    started: Floats
    filled: Floats
    size: Floats


def write(path: Path, weeks: int, end: int, seed: int) -> int:
    """Write the weeks before `end`, in seconds, as OpenMetrics; return how many samples they have."""
    random = np.random.default_rng(seed)
    calendar = _calendar(weeks, end, random)
    families: dict[str, list[Metric]] = {}
    for metric in (*_of_exporter(calendar), *(m for service in SERVICES for m in _metrics(service, calendar, random))):
        families.setdefault(metric.family, []).append(metric)
    there = calendar.recorded
    with path.open("w") as file:
        file.write("# TYPE up gauge\n")
        reached = calendar.scraped[there].astype(np.float64)
        samples = write_series(file.write, f"up{{{TARGET}}}", reached, calendar.times[there])
        for name, metrics in families.items():
            file.write(f"# TYPE {name} unknown\n")
            samples += sum(_write(file.write, metric, calendar) for metric in metrics)
        file.write("# EOF\n")
    return samples


def _write(text: Callable[[str], object], metric: Metric, calendar: Calendar) -> int:
    values = _counted(metric.values, calendar.restarts) if metric.counter else metric.values
    name = f"{metric.family}{{{metric.labels}{',' if metric.labels else ''}{TARGET}}}"
    return write_series(text, name, values[calendar.scraped], calendar.times[calendar.scraped])


def _counted(added: Floats, restarts: Ints) -> Floats:
    """Return a counter that begins over with each restart."""
    total = np.cumsum(added)
    before = np.searchsorted(restarts, np.arange(len(added)), side="right")
    return np.asarray(total - np.concatenate([[0.0], total[restarts]])[before])


def _calendar(weeks: int, end: int, random: np.random.Generator) -> Calendar:
    minutes = weeks * WEEK
    times = end - MINUTE * np.arange(minutes - 1, -1, -1, dtype=np.int64)
    recorded = np.ones(minutes, np.bool_)
    for begin in random.integers(0, minutes, max(1, weeks // 4)):
        recorded[begin : begin + int(random.integers(3, 12))] = False
    restarts = np.unique(random.integers(DAY, minutes, max(1, weeks // 2)))
    scraped = recorded & (random.random(minutes) >= FAILED_SCRAPES)
    scraped[restarts] = False
    return Calendar(times, _load(times, weeks, random), recorded, scraped, restarts)


def _load(times: Ints, weeks: int, random: np.random.Generator) -> Floats:
    """Return days and weeks with noise; one day of each four weeks is a holiday, which is like a Sunday."""
    minute, day = times // MINUTE % DAY, times // MINUTE // DAY
    free = np.isin(day, day[random.integers(0, len(times), max(1, weeks // 4))]) | ((day + 3) % 7 >= 5)
    angle = 2 * np.pi * (minute - random.uniform(0, DAY)) / DAY
    shape = 1 + 0.5 * (np.cos(angle) + 0.2 * np.cos(2 * angle + random.uniform(0, 2 * np.pi)))
    growth = np.exp(GROWTH_PER_WEEK * np.arange(len(times)) / WEEK)
    return np.asarray(shape * np.where(free, 0.7, 1.0) * growth * np.exp(_wander(random, len(times), 0.9, 0.04)))


def _wander(random: np.random.Generator, count: int, memory: float, spread: float) -> Floats:
    """Return noise of which a share is kept from minute to minute."""
    return np.asarray(spread * lfilter([np.sqrt(1 - memory**2)], [1, -memory], random.standard_normal(count)))


def _life(service: Service, calendar: Calendar, random: np.random.Generator) -> _Life:
    """Return a service's weeks; while it is released, some of its requests are lost and the others wait."""
    minutes = len(calendar.times)
    slower, size, filled = np.ones(minutes), np.ones(minutes), np.ones(minutes)
    load = (_nightly(calendar, random) if service.nightly else calendar.load) * np.exp(
        _wander(random, minutes, 0.7, 0.04)
    )
    started = np.full(minutes, calendar.times[0] - 86_400.0)
    for release in np.sort(random.integers(0, minutes, random.poisson(RELEASES_PER_WEEK * minutes / WEEK))):
        during = slice(release, release + int(random.integers(1, 4)))
        slower[during] = random.uniform(1.1, 3.0)
        load[during] *= random.uniform(0.3, 0.9)
        size[release:] *= np.exp(random.normal(0, 0.04))
        filled[release:] = 1 - 0.25 * np.exp(-np.arange(minutes - release) / REFILL_MINUTES)
        started[release:] = calendar.times[release]
    wander = _wander(random, minutes, 0.5, 0.05)
    latency = service.latency * size * slower * (0.9 + 0.1 * calendar.load) * np.exp(wander)
    return _Life(random.poisson(MINUTE * service.rate * load), latency, started, filled, size)


def _nightly(calendar: Calendar, random: np.random.Generator) -> Floats:
    """Return the load of a job of each night, which is never quite as long, nor quite on time."""
    load = np.zeros(len(calendar.times))
    for midnight in np.flatnonzero(calendar.times // MINUTE % DAY == 0):
        begin = int(midnight) + NIGHTLY_AT + round(random.normal(0, 3))
        load[begin : begin + round(NIGHTLY_MINUTES * np.exp(random.normal(0, 0.1)))] = 1.0
    return load


def _of_exporter(calendar: Calendar) -> Iterator[Metric]:
    ones = np.ones(len(calendar.times))
    begun = np.concatenate([[calendar.times[0] - MINUTE], calendar.times[calendar.restarts]])
    before = np.searchsorted(calendar.restarts, np.arange(len(ones)), side="right")
    yield Metric("process_start_time_seconds", "", begun[before].astype(np.float64), counter=False)
    yield Metric("larimar_build_info", 'version="1"', ones, counter=False)


def _metrics(service: Service, calendar: Calendar, random: np.random.Generator) -> Iterator[Metric]:
    life = _life(service, calendar, random)
    yield from _held(service, calendar, life, random)
    yield from _used(service, calendar, life, random)
    yield from _asked(service, life, random)
    for callee in service.calls:
        other = next(one for one in SERVICES if one.name == callee)
        yield from _called(service, other, life, random.spawn(1)[0])
    if service.orders:
        orders = random.binomial(life.requests, service.orders)
        worth = orders * np.exp(ORDER_VALUE + ORDER_SPREAD**2 / 2)
        event = f'service_name="{service.name}",role="client",event="orders.insert"'
        yield Metric("larimar_business_events_total", event, orders.astype(np.float64))
        noise = np.exp(random.normal(0, ORDER_SPREAD, len(orders)) / np.sqrt(np.maximum(orders, 1)))
        yield Metric("larimar_business_value_total", f'{event},field="total",currency="EUR"', worth * noise)


def _called(service: Service, other: Service, life: _Life, random: np.random.Generator) -> Iterator[Metric]:
    """Yield what a service asks of another, which fails and takes as long as anything that one is asked."""
    labels = f'client="{service.name}",server="{other.name}",protocol="{other.protocol}"'
    requests = life.requests.astype(np.float64)
    noise = random.normal(0, LATENCY_SPREAD, len(requests)) / np.sqrt(np.maximum(requests, 1))
    seconds = requests * other.latency * np.exp(LATENCY_SPREAD**2 / 2 + noise)
    yield Metric("larimar_edge_requests_total", labels, requests)
    errors = random.binomial(life.requests, other.failed).astype(np.float64)
    yield Metric("larimar_edge_request_errors_total", labels, errors)
    yield Metric("larimar_edge_request_duration_seconds_sum", labels, seconds)
    yield Metric("larimar_edge_request_duration_seconds_count", labels, requests)


def _held(service: Service, calendar: Calendar, life: _Life, random: np.random.Generator) -> Iterator[Metric]:
    """Yield what a service is, and what it holds."""
    ones, name = np.ones(len(calendar.times)), f'service_name="{service.name}"'
    # Garbage is collected every few hours.
    period = int(random.integers(90, 400))
    saw = np.arange(len(ones)) % period / period * random.uniform(0.02, 0.15)
    memory = service.memory * life.size * life.filled * (1 + saw) * np.exp(_wander(random, len(ones), 0.97, 0.006))
    files = 0.02 * (0.5 + 0.5 * calendar.load) * np.exp(_wander(random, len(ones), 0.9, 0.05))
    unusual = np.exp(_wander(random, len(ones), 0.95, 0.25))
    for family, labels, values in (
        ("larimar_service_info", f'{name},name_source="unit"', ones),
        ("larimar_listen_info", f'{name},port="80",transport="tcp"', ones),
        ("larimar_service_processes", name, 4 * ones),
        ("larimar_service_start_time_seconds", name, life.started),
        ("larimar_service_memory_resident_bytes", name, memory),
        ("larimar_service_memory_limit_bytes", name, 2 * service.memory * ones),
        ("larimar_service_open_fds_limit_ratio", name, files),
        ("larimar_service_fingerprint_distance", name, unusual),
    ):
        yield Metric(family, labels, values, counter=False)


def _used(service: Service, calendar: Calendar, life: _Life, random: np.random.Generator) -> Iterator[Metric]:
    """Yield what a service uses."""
    name, minutes = f'service_name="{service.name}"', len(calendar.times)
    share = life.requests / (MINUTE * service.rate)
    hourly = (calendar.times // MINUTE + int(random.integers(0, 60))) % 60 < 2
    busy = life.size * (0.1 + 0.9 * share + 0.3 * hourly) * np.exp(_wander(random, minutes, 0.7, 0.08))
    yield Metric("larimar_service_cpu_seconds_total", f'{name},mode="user"', MINUTE * service.cores * busy)
    for call, each in (("read", 4.0), ("write", 3.0), ("futex", 1.5)):
        calls = random.poisson(each * life.requests + 20).astype(np.float64)
        yield Metric("larimar_service_syscalls_total", f'{name},syscall="{call}"', calls)


def _asked(service: Service, life: _Life, random: np.random.Generator) -> Iterator[Metric]:
    """Yield what is known of a service's requests."""
    name = f'service_name="{service.name}",role="server"'
    labels = f'{name},protocol="{service.protocol}"'
    requests = life.requests.astype(np.float64)
    errors = random.binomial(life.requests, service.failed).astype(np.float64)
    yield Metric("larimar_requests_total", labels, requests)
    if service.failed:
        yield Metric("larimar_request_errors_total", labels, errors)
    buckets = random.multinomial(life.requests, shares_of_buckets(life.latency, LATENCY_SPREAD))
    middles = np.sqrt(np.array([BOUNDS_SECONDS[0] / 2, *BOUNDS_SECONDS]) * np.array([*BOUNDS_SECONDS, 100.0]))
    duration = "larimar_request_duration_seconds"
    yield Metric(f"{duration}_sum", labels, buckets @ middles)
    yield Metric(f"{duration}_count", labels, requests)
    used = np.flatnonzero(buckets.any(0))
    below = np.cumsum(buckets, axis=1)
    for bucket in range(max(0, int(used[0]) - 1), min(int(used[-1]) + 1, len(BOUNDS_SECONDS))):
        yield Metric(f"{duration}_bucket", f'{labels},le="{BOUNDS_SECONDS[bucket]!r}"', below[:, bucket].astype(float))
    yield Metric(f"{duration}_bucket", f'{labels},le="+Inf"', requests)
    if service.protocol == "http":
        for status, count in (("2xx", requests - errors), ("5xx", errors)):
            yield Metric("larimar_http_requests_total", f'{name},method="GET",status_class="{status}",route=""', count)
