"""Wires the exporter's parts together and turns the only loop."""

import logging
import math
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import Metric

from exporter.collectors.edges import edge_families
from exporter.collectors.listen import listen_families
from exporter.collectors.operations import db_families, http_families
from exporter.collectors.resources import resource_families
from exporter.collectors.scrape import Families, NamedCollector, Scrape
from exporter.collectors.self import Coverage, self_families
from exporter.collectors.services import service_families
from exporter.collectors.traffic import traffic_families
from exporter.config import Config
from exporter.privileges import grant, losses
from exporter.sources.capture import Capture
from exporter.sources.errors import SourceError
from exporter.sources.host import Host
from exporter.wire import Wire
from toolkit.health import health_routes
from toolkit.http1 import Handler
from toolkit.landing import Link, landing_handler
from toolkit.metrics_page import metrics_handler
from toolkit.server import Server, serve
from toolkit.version import version

log = logging.getLogger(__name__)

T = TypeVar("T")

DRAIN_SECONDS = 0.05
HOST_SECONDS = 1.0
INTERFACES_SECONDS = 5.0
# Left to the scrapes between two rounds, however late the loop is.
LEAST_PAUSE_SECONDS = 0.002
# Without a round for so long the loop hangs, and what /metrics shows is old.
STALLED_SECONDS = 15.0
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Attempts:
    """Runs what may fail for reasons that nobody foresaw, so that the rest goes on.

    Attributes:
        failures: name -> how often it failed; the first failure in a row is logged, with its traceback.
    """

    def __init__(self) -> None:
        self.failures: Counter[str] = Counter()
        self._failing: set[str] = set()

    def run(self, name: str, action: Callable[[], T]) -> T | None:
        """Return what the action returns, None if it failed."""
        try:
            result = action()
        except Exception:
            self.failures[name] += 1
            if name not in self._failing:
                self._failing.add(name)
                log.exception("failed, going on without it", extra={"stage": name})
            return None
        self._failing.discard(name)
        return result


@dataclass(slots=True)
class Stage:
    """A part of the loop's round; times in seconds of the loop's clock."""

    name: str
    every_seconds: float
    run: Callable[[float], None]
    due_at: float = -math.inf


class App:
    """The exporter: a loop that watches, and a server that tells.

    Args:
        config: the settings.
        clock: seconds, never falling.
        wall: nanoseconds since the epoch, as packets are stamped.

    Raises:
        ServeError: the address is taken or the web configuration cannot be used.
        OSError: the host's processes cannot be read at all.
    """

    def __init__(
        self, config: Config, clock: Callable[[], float] = time.monotonic, wall: Callable[[], int] = time.time_ns
    ) -> None:
        self._config = config
        self._clock = clock
        self._wall = wall
        self._attempts = Attempts()
        self._round_at = -math.inf
        with ExitStack() as opened:
            self._host = Host(config.procfs)
            opened.callback(self._host.close)
            self._capture = self._open_capture()
            self._wire = Wire(self._capture)
            opened.callback(lambda: self._wire.close(self._wall()))
            self._look_at_host(clock())
            self.server = self._serve()
            opened.callback(self.server.close)
            self._opened = opened.pop_all()
        self._say_what_is_missing()
        self._stages = (
            Stage("drain", 0.0, lambda _now: self._wire.drain()),
            Stage("host", HOST_SECONDS, self._look_at_host),
            Stage("expire", HOST_SECONDS, lambda _now: self._wire.expire(self._wall())),
            Stage("interfaces", INTERFACES_SECONDS, lambda _now: self._wire.follow_interfaces()),
        )

    def run(self, stop: threading.Event) -> None:
        """Turn the loop until `stop` is set."""
        pause = 0.0
        while not stop.wait(pause):
            started = self._clock()
            self.round(started)
            pause = max(LEAST_PAUSE_SECONDS, DRAIN_SECONDS - (self._clock() - started))

    def round(self, now: float) -> None:
        """Do what is due; a stage that fails is counted, and tried again when it is due next."""
        for stage in self._stages:
            if now >= stage.due_at:
                stage.due_at = now + stage.every_seconds
                self._attempts.run(stage.name, partial(stage.run, now))
        self._round_at = now

    def close(self) -> None:
        """Stop serving and give up every socket and file."""
        self._opened.close()

    def _open_capture(self) -> Capture | None:
        if not self._config.capture:
            return None
        try:
            return Capture(self._config.interfaces, self._config.snaplen, self._config.memory_bytes)
        except SourceError as error:
            log.warning("no packets can be captured", extra={"reason": str(error)})
            return None

    def _look_at_host(self, now: float) -> None:
        self._wire.attribute(self._host.refresh(now), now)

    def _capabilities(self) -> Mapping[str, bool]:
        return {"capture": self._capture is not None, **self._host.status().capabilities}

    def _say_what_is_missing(self) -> None:
        missing = losses(self._capabilities())
        if missing:
            log.warning(
                "not permitted to see everything", extra={"missing": missing, "grant": grant(os.getuid(), os.getgid())}
            )

    def _serve(self) -> Server:
        registry = CollectorRegistry()
        registry.register(Scrape(self._collectors(), self._collect, self._clock, self._config.series_limit))
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        path = self._config.telemetry_path
        routes: dict[str, Handler] = {
            "/": landing_handler(
                "Larimar exporter",
                "What this host's services do, seen from outside.",
                version(),
                (Link(path, "the metrics"), Link("/-/healthy", "whether it runs"), Link("/-/ready", "whether it sees")),
            ),
            path: metrics_handler(registry),
            **health_routes(self._not_ready),
        }
        return serve(self._config.listen, routes, self._config.web_config)

    def _not_ready(self) -> tuple[str, ...]:
        if self._round_at == -math.inf:
            return ("the first look at the host is not done",)
        late = self._clock() - self._round_at
        return (f"the loop has not come round for {late:.0f} s",) if late > STALLED_SECONDS else ()

    def _collect(self, name: str, families: Families) -> tuple[Metric, ...] | None:
        return self._attempts.run(f"collector {name}", lambda: tuple(families()))

    def _collectors(self) -> tuple[NamedCollector, ...]:
        config, wire, host = self._config, self._wire, self._host
        switched = (
            (config.traffic, NamedCollector("traffic", lambda: traffic_families(wire.traffic()))),
            (config.http, NamedCollector("http", lambda: http_families(wire.traffic()))),
            (config.db, NamedCollector("db", lambda: db_families(wire.traffic()))),
            (config.edges, NamedCollector("edges", lambda: edge_families(wire.traffic()))),
            (config.resources, NamedCollector("resources", self._resource_families)),
            (config.services, NamedCollector("services", lambda: service_families(host.view().services))),
            (config.listen_ports, NamedCollector("listen", lambda: listen_families(host.view()))),
            (True, NamedCollector("self", lambda: self_families(self._coverage(), version()))),
        )
        return tuple(collector for wanted, collector in switched if wanted)

    def _resource_families(self) -> Iterator[Metric]:
        return resource_families(self._host.sample(self._clock()), TICKS_PER_SECOND)

    def _coverage(self) -> Coverage:
        counters = self._wire.counters()
        return Coverage(
            packets=counters.capture.packets,
            dropped=counters.capture.dropped,
            sampling_ratio=0.0 if self._capture is None else 1.0,
            malformed=counters.engine.malformed,
            flows_active=counters.engine.flows_active,
            flows_evicted=counters.engine.flows_evicted,
            unattributed=counters.attribution.unattributed,
            parse_errors=counters.attribution.unparsable,
            limited=counters.limited,
            failures=self._attempts.failures,
            capabilities=self._capabilities(),
        )
