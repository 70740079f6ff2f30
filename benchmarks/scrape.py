"""The time of one scrape of synthetic services that all serve, ask and are asked: `python -m benchmarks.scrape`.

A scrape takes a snapshot of the counters, builds the families and writes the page from prepared labels. Beside it, the
same families are built, and written by prometheus_client, by turns in the same run.

Every service serves HTTP by as many routes as are told apart, was asked for many more paths, and asks a database about
as many tables, a cache by some commands, and three other services. The memory is this process's: the exporter's
code, the counters and what a scrape leaves behind, but not the rings and the flow table (`capture.memory`).
"""

import argparse
import gzip
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial

from prometheus_client import generate_latest

import exporter.app  # noqa: F401  # its memory counts
from benchmarks.exporter import memory_bytes
from exporter.collectors.edges import edge_families
from exporter.collectors.operations import db_families, http_families
from exporter.collectors.resources import resource_families
from exporter.collectors.scrape import Families, NamedCollector, Scrape, Shared
from exporter.collectors.traffic import traffic_families
from exporter.model import Exchange, Kind, Message, Operation, Role
from exporter.services.families import family_of
from exporter.services.members import Gauges
from exporter.services.resources import ServiceResources
from exporter.services.route_words import WORDS
from exporter.services.traffic import Caps, Traffic
from exporter.services.usage import Counters
from toolkit.exposition import Exposition
from toolkit.families import Family
from toolkit.metrics_page import GZIP_LEVEL

ROUNDS = 20
SERIES_LIMIT = 1_000_000
OTHER_PATHS = 300  # more than are remembered of one service
PLACES = sorted(WORDS)[: Caps().operations]
VERBS = ("GET", "SET", "HGET", "HSET", "DEL", "EXPIRE")


@dataclass(frozen=True, slots=True)
class Result:
    """What a scrape cost; milliseconds are the median and the worst of the rounds.

    Attributes:
        microseconds_per_series: of the snapshot, the families and the page, uncompressed.
        gzip_microseconds_per_series: what compressing the page adds.
        client_microseconds_per_series: the same as the first, but the samples and the page by prometheus_client.
    """

    services: int
    series: int
    scrape_ms: float
    worst_ms: float
    microseconds_per_series: float
    gzip_microseconds_per_series: float
    client_microseconds_per_series: float
    rss_mb: float


def busy(services: int) -> Traffic:
    """Return the counters of services with every operation seen."""
    traffic = Traffic(family_of, Caps(), 3600.0)
    for number in range(services):
        name = f"service-{number}"
        for place in PLACES:
            traffic.side(name, Role.SERVER, "http").add(exchange("GET", "200", f"/{place}/{{id}}"))
            traffic.side(name, Role.SERVER, "http").add(exchange("GET", "404", f"/{place}/{{id}}"))
            traffic.side(name, Role.CLIENT, "postgresql").add(exchange("SELECT", "", place))
        for path in range(OTHER_PATHS):
            traffic.side(name, Role.SERVER, "http").add(exchange("GET", "200", f"/products/title-{number}-{path}"))
        for verb in VERBS:
            traffic.side(name, Role.CLIENT, "redis").add(exchange(verb, ""))
        for other in range(1, 4):
            traffic.edge(name, f"service-{(number + other) % services}", "http").add(exchange("GET", "200"))
    return traffic


def exchange(verb: str, status: str, target: str = "") -> Exchange:
    """Return a request and its response, a millisecond later."""
    request = Message(Kind.REQUEST, 0, 0, 200, Operation(verb, target))
    return Exchange(request, Message(Kind.RESPONSE, 10**6, 10**6, 5000, status=status))


def measure(services: int, rounds: int) -> Result:
    """Scrape a number of times."""
    traffic = busy(services)
    used = ServiceResources(Counters(*range(8)), 1, Gauges(processes=1, started_at=1.0), has_io=True)
    resources = {f"service-{number}": used for number in range(services)}
    snapshot = Shared(traffic.snapshot)
    collectors = (
        NamedCollector("traffic", lambda: traffic_families(snapshot.get())),
        NamedCollector("http", lambda: http_families(snapshot.get())),
        NamedCollector("db", lambda: db_families(snapshot.get())),
        NamedCollector("edges", lambda: edge_families(snapshot.get())),
        NamedCollector("resources", lambda: resource_families(resources)),
    )
    scrape = Scrape(collectors, run, time.perf_counter, SERIES_LIMIT, (snapshot,))
    series = sum(len(family.samples) for family in scrape.collect())
    exposition = Exposition()
    ours, client, packed = [], [], []
    for _ in range(rounds):
        ours.append(timed(lambda: exposition.page(scrape, "")))
        page, _ = exposition.page(scrape, "")
        packed.append(timed(partial(gzip.compress, page, GZIP_LEVEL, mtime=0)))
        client.append(timed(lambda: generate_latest(scrape)))
    median = statistics.median(ours)
    return Result(
        services,
        series,
        median * 1e3,
        max(ours) * 1e3,
        median / series * 1e6,
        statistics.median(packed) / series * 1e6,
        statistics.median(client) / series * 1e6,
        memory_bytes(os.getpid(), "VmRSS") / 1e6,
    )


def run(_name: str, families: Families) -> tuple[Family, ...]:
    """Run a collector without a guard: a benchmark should fail."""
    return tuple(families())


def timed(action: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def results(numbers: tuple[int, ...]) -> Iterator[Result]:
    """Yield a result for each number of services."""
    for services in numbers:
        yield measure(services, ROUNDS)


def main() -> None:
    """Print a table, or one object by the number of services."""
    parser = argparse.ArgumentParser(description="The time of one scrape of synthetic services.")
    parser.add_argument(
        "--services", type=int, nargs="+", default=[10, 50, 200, 600], help="how many services, each in turn"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    arguments = parser.parse_args()
    found = list(results(tuple(arguments.services)))
    if arguments.json:
        print(json.dumps({str(one.services): asdict(one) for one in found}))
        return
    print(f"{'':23} {'scrape ms':>17} {'us per series':>27}")
    heads = ("median", "worst", "ours", "+ gzip", "client")
    print(f"{'services':>8} {'series':>7} {'RSS MB':>6}" + "".join(f"{head:>9}" for head in heads))
    for one in found:
        figures = (
            one.scrape_ms,
            one.worst_ms,
            one.microseconds_per_series,
            one.gzip_microseconds_per_series,
            one.client_microseconds_per_series,
        )
        print(f"{one.services:8} {one.series:7} {one.rss_mb:6.1f}" + "".join(f"{figure:9.2f}" for figure in figures))


if __name__ == "__main__":
    main()
