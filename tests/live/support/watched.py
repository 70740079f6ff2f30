"""Three real services with four weeks of seasonal history behind them, live loads, and the whole stack around them."""

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from quickstart.debian import Tree
from tests.live.support import history, loads, resp, servers, stack
from tests.live.support.history import Past, season
from tests.live.support.loads import PerThread
from tests.live.support.processes import free_port
from tests.live.support.seen import UNSHED
from tests.live.support.waiting import looks, until

SEED = 4
SEEN_REQUESTS = 100
GAUGES = (
    "larimar_service_info",
    "larimar_service_processes",
    "larimar_service_memory_resident_bytes",
    "larimar_service_open_fds_limit_ratio",
    "larimar_listen_info",
)
INTERVAL_SECONDS = 15
SCRAPE_SECONDS = 1.0
WEEKS = 4
RATE = 20.0  # requests per second of each service, on average
WORKERS = 12

NGINX = 'location / { if ($broken) { return 500; } return 200 "ok"; }'
NO_ERRORS = 'map "" $broken { default ""; }'
FIVE_PERCENT = 'split_clients $request_id $broken { 5% 1; * ""; }'
WORK = "CREATE OR REPLACE FUNCTION work() RETURNS void LANGUAGE sql AS 'SELECT pg_sleep({})'"
USUAL_WORK_SECONDS = 0.01
SHOP = "CREATE TABLE orders (total numeric, currency text)"
ORDER = "INSERT INTO orders (total, currency) VALUES (19.90, 'EUR')"
ORDER_RATE = 0.5  # per second


@dataclass(frozen=True, slots=True)
class Scene:
    """Three services that live as they did for weeks, and all that watches them."""

    names: Mapping[str, str]
    nginx: servers.Server
    redis: servers.Server
    postgresql: servers.Server
    prometheus: stack.Prometheus
    alertmanager: stack.Alertmanager
    detector: stack.Process

    def firing(self) -> dict[str, dict[str, Any]]:
        """Return the firing alert of each of the three services by its name; fails where one has two."""
        alerts = self.alertmanager.firing(list(self.names.values()))
        by_service = {alert["labels"]["service_name"]: alert for alert in alerts}
        assert len(by_service) == len(alerts), json.dumps(alerts, indent=1)
        return by_service

    def evaluations(self) -> float:
        """Return how many evaluations the detector has done since it started."""
        return total(self.detector.page(), "larimar_detector_evaluations_total")

    def through(self, evaluations: int) -> Iterator[dict[str, dict[str, Any]]]:
        """Yield what fires, again and again, until so many more evaluations are done."""
        end = self.evaluations() + evaluations
        for _ in looks(lambda: self.evaluations() < end, (evaluations + 2) * INTERVAL_SECONDS):
            yield self.firing()

    def knows(self, state: str) -> bool:
        """Return whether the detector's models of all three services are in a state."""
        shown = samples(self.detector.page(), "larimar_detector_model_state")
        named = {sample.labels["service_name"] for sample in shown if sample.labels["state"] == state and sample.value}
        return named >= set(self.names.values())


def samples(page: str, name: str) -> list[Sample]:
    found = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
    return [sample for sample in found if sample.name == name]


def total(page: str, name: str) -> float:
    return sum(sample.value for sample in samples(page, name))


@contextmanager
def watched(tree: Tree, folder: Path) -> Iterator[Scene]:
    """Start everything, in the order in which a person would meet it."""
    with ExitStack() as open_parts:
        started = open_parts.enter_context
        exporter = started(stack.exporter(folder, *UNSHED))
        nginx = started(servers.nginx(tree, folder / "nginx", NGINX, NO_ERRORS))
        redis = started(servers.redis(tree, folder / "redis"))
        postgresql = started(servers.postgresql(tree, folder / "postgresql"))
        make_work(postgresql, USUAL_WORK_SECONDS)
        open_shop(postgresql)
        started(lived_in(nginx, redis, postgresql))
        pasts = until(lambda: observed_pasts(exporter.page(), (nginx, redis, postgresql)), 60, "no traffic was seen")

        address = exporter.url.removeprefix("http://")
        backfill(tree, folder, pasts, f'job="larimar",instance="{address}"')
        port = free_port()
        targets = {"larimar": [address], "larimar-detector": [f"127.0.0.1:{port}"]}
        prometheus = started(stack.prometheus(tree, folder, targets, SCRAPE_SECONDS))
        alertmanager = started(stack.alertmanager(tree, folder))
        detector = started(
            stack.detector(
                folder,
                port,
                prometheus.url,
                alertmanager.url,
                f"--evaluation.interval={INTERVAL_SECONDS}s",
                f"--query.window={history.WINDOW_SECONDS}s",
                f"--alertmanager.resend-delay={INTERVAL_SECONDS}s",
            )
        )
        names = dict(zip(("nginx", "redis", "postgresql"), (past.service_name for past in pasts), strict=True))
        yield Scene(names, nginx, redis, postgresql, prometheus, alertmanager, detector)


@contextmanager
def lived_in(nginx: servers.Server, redis: servers.Server, postgresql: servers.Server) -> Iterator[None]:
    """Ask all three as often as is usual at this time of day."""

    def rate() -> float:
        return RATE * season(time.time())

    pages = PerThread(lambda: http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=5), _close_page)
    commands = PerThread(lambda: resp.Connection(redis.port, 5), resp.Connection.close)
    queries = PerThread(lambda: connected(postgresql), lambda connection: connection.close())
    tills = PerThread(lambda: connected(postgresql), lambda connection: connection.close())
    with (
        loads.steadily_with(pages, _get_page, rate, WORKERS),
        loads.steadily_with(commands, lambda connection: connection.ask("INCR", "visits"), rate, WORKERS),
        loads.steadily_with(queries, lambda connection: connection.execute("SELECT work()"), rate, WORKERS),
        loads.steadily_with(tills, lambda connection: connection.execute(ORDER), lambda: ORDER_RATE, 1),
    ):
        yield


def _get_page(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/")
    connection.getresponse().read()


def _close_page(connection: http.client.HTTPConnection) -> None:
    connection.close()


def connected(postgresql: servers.Server) -> psycopg.Connection[Any]:
    """Return a session in which every statement is a transaction of its own."""
    return psycopg.connect(servers.dsn(postgresql.port), autocommit=True, connect_timeout=5)


def make_work(postgresql: servers.Server, seconds: float) -> None:
    """Make every `SELECT work()` take so long, in sessions that are open as well."""
    with connected(postgresql) as connection:
        connection.execute(WORK.format(seconds).encode())


def open_shop(postgresql: servers.Server) -> None:
    """Have something that is sold, so that there is business to see."""
    with connected(postgresql) as connection:
        connection.execute(SHOP)


def break_pages(nginx: servers.Server, broken: bool) -> None:
    """Let nginx answer one request in twenty with a 500, or none."""
    servers.write_nginx(nginx.folder, nginx.port, NGINX, FIVE_PERCENT if broken else NO_ERRORS)
    nginx.child.send(signal.SIGHUP)


def observed_pasts(page: str, running: Sequence[servers.Server]) -> list[Past] | None:
    """Return how the services are now, once enough of their requests were seen to tell."""
    pasts = [observed_past(page, server) for server in running]
    return [past for past in pasts if past is not None] if None not in pasts else None


def observed_past(page: str, server: servers.Server) -> Past | None:
    listening = [one for one in samples(page, "larimar_listen_info") if one.labels["port"] == str(server.port)]
    if not listening:
        return None
    name = listening[0].labels["service_name"]
    mine = [
        sample
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.labels.get("service_name") == name
    ]
    served = {one.name: one for one in mine if one.labels.get("role") == "server"}
    asked_for = served.get("larimar_request_duration_seconds_count")
    if asked_for is None or asked_for.value < SEEN_REQUESTS:
        return None
    latency = served["larimar_request_duration_seconds_sum"].value / asked_for.value
    gauges = [(labelled(one), one.value) for one in mine if one.name in GAUGES]
    return Past(name, asked_for.labels["protocol"], RATE, latency, gauges)


def labelled(sample: Sample) -> str:
    """Return a series as PromQL has it, open for further labels."""
    return sample.name + "{" + ",".join(f'{name}="{value}"' for name, value in sample.labels.items())


def backfill(tree: Tree, folder: Path, pasts: Sequence[Past], target: str) -> None:
    """Put the history into Prometheus' folder before it starts."""
    text = folder / "history.txt"
    history.write(text, pasts, target, time.time(), WEEKS, SEED)
    # Without this flag it would write blocks of two hours, reading the file again for each.
    blocks = ("tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=672h", text, folder / "tsdb")
    subprocess.run(
        [tree.binary("promtool"), *blocks], check=True, capture_output=True, env=tree.environment(os.environ)
    )
    text.unlink()
