"""A made-up world of services as Prometheus would report it: any signal at any time, faults where a test puts them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from detector.coverage.sight import Target
from detector.incidents.background import CHANGES
from detector.model import Floats, Seconds, Signal
from detector.recorded import EXISTING
from detector.rules import rules
from detector.signals import SHIPPED, duration, load, with_window

DAY = 86400.0
SIGNALS = load((SHIPPED,))
RULES = {rule.record: rule.expression for rule in rules(SIGNALS, 120.0)}
Bools = npt.NDArray[np.bool_]
Course = Callable[[Floats], Floats]
"""Values at times, NaN where there is no sample."""


def noise(times: Floats, seed: int) -> Floats:
    """Repeatable noise with mean 0 and deviation 1, of each time on its own."""
    parts = [np.modf(np.sin(times / 60.0 * (12.9898 + k) + seed * 78.233 + k) * 43758.5453)[0] for k in range(6)]
    return np.asarray(np.sum(parts, axis=0) / np.sqrt(2.0), dtype=np.float64)


def daily(level: float, swing: float, spread: float, seed: int) -> Course:
    """A level with a daily season; `swing` and `spread` are shares of it."""

    def course(times: Floats) -> Floats:
        season = 1.0 + swing * np.sin(2 * np.pi * times / DAY)
        return np.maximum(level * season * (1.0 + spread * noise(times, seed)), 0.0)

    return course


def steady(level: float, spread: float, seed: int) -> Course:
    """A level with noise."""
    return daily(level, 0.0, spread, seed)


@dataclass(frozen=True, slots=True)
class Fault:
    """Between two times a signal of a service, or of its calls to a server, is what `change` makes of it."""

    service: str
    signal: str
    start: Seconds
    end: Seconds
    change: Callable[[Floats], Floats]
    server: str = ""


def vanished(values: Floats) -> Floats:
    """No samples at all."""
    return np.full_like(values, np.nan)


@dataclass(slots=True)
class World:
    """What there is, and what is wrong with it."""

    courses: dict[str, dict[str, Course]]
    callees: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    target: Target = field(default_factory=lambda: Target("larimar", "host-a:10177"))
    faults: list[Fault] = field(default_factory=list)
    down: list[tuple[Seconds, Seconds]] = field(default_factory=list)
    born: Seconds = 0.0  # nothing is known of earlier
    newest: Seconds = np.inf  # nothing is known of later
    removed: Seconds = np.inf  # from then on Prometheus no longer has the target
    restarts: list[Seconds] = field(default_factory=list)
    sampled: list[tuple[Seconds, Seconds, float]] = field(default_factory=list)  # from, to, standard error
    lost: list[tuple[Seconds, Seconds, float]] = field(default_factory=list)  # from, to, share of the packets
    changes: list[tuple[str, str, Seconds]] = field(default_factory=list)  # of which service, what, when
    calls: dict[tuple[str, str], dict[str, Course]] = field(default_factory=dict)  # signals by client and server
    exhausted: dict[str, Seconds] = field(default_factory=dict)  # when a service reaches its limit
    recorded: bool = False  # whether recording rules work out the signals
    cluster: str = ""  # a label that recorded series have besides

    def value(self, service: str, signal: str, times: Floats, server: str = "") -> Floats:
        """A signal of one service, or of its calls to another."""
        courses = self.calls[service, server] if server else self.courses[service]
        values = courses[signal](times)
        for fault in self.faults:
            if (fault.service, fault.signal, fault.server) == (service, signal, server):
                values = np.where((times >= fault.start) & (times < fault.end), fault.change(values), values)
        return np.where(self.scraped(times) & self.known(times), values, np.nan)

    def known(self, times: Floats) -> Bools:
        """Whether Prometheus has anything of then."""
        return np.asarray((times >= self.born) & (times <= self.newest) & (times < self.removed), dtype=np.bool_)

    def scraped(self, times: Floats) -> Bools:
        """Whether the exporter answered."""
        out = np.zeros(times.shape, dtype=bool)
        for start, end in self.down:
            out |= (times >= start) & (times < end)
        return ~out

    def alive(self, service: str, times: Floats) -> Bools:
        """Whether any series of the service exists."""
        samples = [self.value(service, signal, times) for signal in self.courses[service]]
        return np.asarray(np.any(~np.isnan(samples), axis=0), dtype=np.bool_)

    def stop(self, service: str, start: Seconds, end: Seconds) -> None:
        """The service's processes end: it has no series at all until they are back."""
        self.faults += [Fault(service, signal, start, end, vanished) for signal in self.courses[service]]


Rows = list[tuple[dict[str, str], Floats]]


def answer(world: World, window: Seconds, query: str, times: Floats) -> Rows:
    """What Prometheus would answer to one of the detector's queries.

    Raises:
        KeyError: the query is none of them.
    """
    if query == EXISTING or query in RULES:
        return _recorded(world, window, query, times) if world.recorded else []
    for signal in SIGNALS:
        rows = _of_signal(world, window, signal, query, times)
        if rows is not None:
            return rows
    if CHANGES in query:
        return _changes(world, query, times)
    if any(signal.remaining and signal.remaining in query for signal in SIGNALS):
        return [({"service_name": name}, at - times) for name, at in world.exhausted.items()]
    return _coverage(world, window, query, times)


def _recorded(world: World, window: Seconds, query: str, times: Floats) -> Rows:
    if query == EXISTING:
        return [({"__name__": name}, np.ones_like(times)) for name in RULES]
    besides = {"__name__": query} | ({"cluster": world.cluster} if world.cluster else {})
    return [(labels | besides, row) for labels, row in answer(world, window, RULES[query], times)]


def _of_signal(world: World, window: Seconds, signal: Signal, query: str, times: Floats) -> Rows | None:
    """What is answered to one of a signal's queries; None where it is none of them."""
    is_counts = bool(signal.counts) and query == with_window(signal.counts, window)
    is_kinds = bool(signal.kinds) and query == with_window(signal.kinds, window)
    named = ".*" if query == with_window(signal.query, window) else ""
    if signal.kinds and not named:
        named = named_in(query, signal.query, window)
    if not (is_counts or is_kinds or named):
        return None
    rows: Rows = []
    if signal.calls:
        return _of_calls(world, signal, times, window if is_counts else 0.0)
    for name, courses in world.courses.items():
        if signal.name not in courses or (named and not re.fullmatch(named, name)):
            continue
        if not is_counts:
            values = world.value(name, signal.name, times)
            rows.append(({"service_name": name}, 1.0 + np.sign(values) if is_kinds else values))
        elif "requests" in courses:
            rows.append(({"service_name": name}, window * world.value(name, "requests", times)))
    return rows


def _of_calls(world: World, signal: Signal, times: Floats, window: Seconds) -> Rows:
    """What is answered of calls, by both ends; how many there were within a window, where one is given."""
    rows: Rows = []
    for (client, server), courses in world.calls.items():
        if signal.name in courses:
            name = "calls" if window else signal.name
            values = world.value(client, name, times, server)
            rows.append(({"client": client, "service_name": client, "server": server}, values * (window or 1.0)))
    return rows


def named_in(query: str, template: str, window: Seconds) -> str:
    """The pattern of the services' names in a query; empty where it is another one."""
    place = re.escape("\0")
    pattern = re.escape(template.replace("$window", duration(window)).replace("$services", "\0"))
    found = re.fullmatch(pattern.replace(place, '((?:[^"\\\\]|\\\\.)*)', 1).replace(place, ".*?"), query)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else ""


def _changes(world: World, query: str, times: Floats) -> Rows:
    """How often what changed, of the services that are asked for."""
    rows: Rows = []
    for service, change in sorted({(service, change) for service, change, _ in world.changes}):
        if f'service_name="{service}"' in query:
            events = [at for name, kind, at in world.changes if (name, kind) == (service, change)]
            counts = np.sum([times >= at for at in events], axis=0).astype(float)
            rows.append(({"service_name": service, "change": change}, counts))
    return rows


def _coverage(world: World, window: Seconds, query: str, times: Floats) -> Rows:
    labels = {"job": world.target.job, "instance": world.target.instance}
    known = world.known(times)
    if "larimar_service_info" in query:
        return [({"service_name": name, **labels}, _ones(world.alive(name, times))) for name in world.courses]
    if "min_over_time(up" in query:
        steps = np.arange(0.0, window, 15.0)
        unbroken = np.all([world.scraped(times - back) for back in steps], axis=0)
        return [(labels, np.where(known, unbroken.astype(float), np.nan))]
    if query == "max by (job, instance) (up)":
        itself = {"job": "prometheus", "instance": "localhost:9090"}
        return [
            (labels, np.where(known, world.scraped(times).astype(float), np.nan)),
            (itself, _ones((times >= world.born) & (times <= world.newest))),
        ]
    if "process_start_time_seconds" in query:
        starts = np.array([max([0.0, *(at for at in world.restarts if at <= now)]) for now in times])
        return [(labels, np.where(world.scraped(times) & known, starts, np.nan))]
    for metric, spans in (
        ("larimar_capture_packets_dropped_total", world.lost),
        ("larimar_capture_sampling_error_ratio", world.sampled),
    ):
        if metric in query:
            return [(labels, np.where(world.scraped(times) & known, _within(spans, times), np.nan))]
    if "larimar_edge_requests_total" in query:
        edges = [(client, server) for client, servers in world.callees.items() for server in servers]
        return [({"client": client, "server": server}, np.ones_like(times)) for client, server in edges]
    raise KeyError(query)


def _within(spans: list[tuple[Seconds, Seconds, float]], times: Floats) -> Floats:
    values = np.zeros_like(times)
    for start, end, value in spans:
        values = np.where((times >= start) & (times < end), value, values)
    return values


def _ones(there: Bools) -> Floats:
    return np.where(there, 1.0, np.nan)


def shop() -> World:
    """Three services in a row, web calling app calling cache, with all signals but errors of the cache."""
    return World(
        courses={
            "web": _service(80.0, 0.020, 11),
            "app": _service(60.0, 0.012, 23),
            "cache": _service(300.0, 0.001, 37),
        },
        callees={"web": ("app",), "app": ("cache",)},
    )


def _service(rate: float, latency: float, seed: int) -> dict[str, Course]:
    return {
        "requests": daily(rate, 0.4, 0.04, seed),
        "errors": steady(0.001, 0.3, seed + 1),
        "latency": steady(latency, 0.05, seed + 2),
        "processes": lambda times: np.full_like(times, 4.0),
        "cpu": daily(rate / 200.0, 0.4, 0.05, seed + 3),
        "memory": steady(2e8, 0.01, seed + 4),
        "open_fds": steady(0.02, 0.05, seed + 5),
    }


def scaled(factor: float) -> Callable[[Floats], Floats]:
    """Multiply."""
    return lambda values: values * factor


def to(level: float) -> Callable[[Floats], Floats]:
    """Replace, keeping gaps."""
    return lambda values: np.where(np.isnan(values), np.nan, level)


def without_faults(world: World) -> World:
    """The same world in good health."""
    return replace(world, faults=[], down=[], restarts=[])
