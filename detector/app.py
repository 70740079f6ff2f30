"""Wires the detector's parts together and runs them."""

import hashlib
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from detector.chronicle import Chronicle
from detector.clients.alertmanager import Alertmanager
from detector.clients.endpoint import Credentials, Endpoint
from detector.clients.listener import Listener
from detector.clients.notifier import Backoff, Notifier, doubling
from detector.clients.prometheus import Prometheus, QueryError
from detector.clock import Clock, SystemClock
from detector.config import Config
from detector.discover import MOST_SIGNALS, discovered, with_foreign
from detector.history.ask import Histories, Manner
from detector.history.precedence import Precedence
from detector.incidents.lifecycle import Rules
from detector.incidents.links import Places
from detector.incidents.payload import Sender
from detector.learning.pools import Cluster, Pool, processes
from detector.learning.refit import Plan, Refitter
from detector.loop import Detector, Parts, Timing
from detector.metrics import Metrics
from detector.model import Signal
from detector.pull import Puller
from detector.reader import Reader
from detector.signals import SHIPPED, load, with_window
from detector.state import Store
from detector.watch import Terms
from toolkit.health import health_routes
from toolkit.http1 import Handler
from toolkit.landing import Link, landing_handler
from toolkit.metrics_page import metrics_handler
from toolkit.server import Server, serve
from toolkit.version import version

log = logging.getLogger(__name__)

ANSWER_BYTES = 256 << 20  # of Prometheus, unpacked; parts are sized to stay far below
RECEIPT_BYTES = 16 << 20  # of an Alertmanager, whose longest answer is its silences
QUERIES_AT_ONCE = 4
MOST_DELAY_SECONDS = 10.0  # Prometheus' default scrape time-out: what was scraped at a time is stored by then


@dataclass(frozen=True, slots=True)
class App:
    """A detector ready to run, its server, and what fits give way by."""

    detector: Detector
    precedence: Precedence
    metrics: Metrics
    notifier: Notifier
    server: Server


def build(
    config: Config,
    clock: Clock,
    queries: Executor,
    fits: Executor,
    closing: ExitStack,
    backoff: Backoff = doubling,
    foreign: tuple[Signal, ...] = (),
) -> App:
    """Make the parts.

    Args:
        queries: runs queries side by side.
        fits: runs the fitting beside the evaluations.
        closing: ends what was started.
        backoff: how long to leave an Alertmanager alone after failures.
        foreign: signals beside those of the files, which replace them.

    Raises:
        SignalsError, CredentialsError: a file cannot be used.
        PoolError: fits cannot run where they should.
        ServeError: the address is taken.
        OSError: nothing can be stored where it should.
    """
    _require_writable(config.storage)
    signals = with_foreign(load((SHIPPED, *config.signals)), foreign)
    alertmanagers = _alertmanagers(config)
    notifier = Notifier(alertmanagers, backoff)
    closing.callback(notifier.close)
    metrics = Metrics(version(), notifier.tallies)
    listener = Listener(alertmanagers if config.feedback else (), queries, metrics.feedback_failures.inc)
    parts = _parts(config, signals, listener, notifier, metrics, queries, fits)
    detector = Detector(parts, clock.now())
    closing.callback(detector.close)
    server = serve(config.listen, _routes(config, detector, metrics, clock), config.web_config)
    closing.callback(server.close)
    return App(detector, parts.precedence, metrics, notifier, server)


def _require_writable(folder: Path) -> None:
    """Make the folder. A detector that can store nothing could neither learn nor remember what fires."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"--storage.path: {folder}: {error.strerror}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OSError(f"--storage.path: {folder}: cannot be written to")


def _parts(
    config: Config,
    signals: tuple[Signal, ...],
    listener: Listener,
    notifier: Notifier,
    metrics: Metrics,
    queries: Executor,
    fits: Executor,
) -> Parts:
    def skipped(reason: str) -> None:
        metrics.skipped.labels(reason).inc()

    prometheus = Prometheus(_prometheus(config), metrics.query_seconds.observe, _count(metrics))
    precedence = Precedence()
    reader = Reader(signals, skipped, config.shard)
    manner = Manner(config.series_limit, config.keep, precedence)
    histories = Histories(prometheus, signals, config.window, reader, manner)
    plan = Plan(config.history, config.step, config.interval, config.refit, pool(config.workers, config.scheduler))
    rules = Rules(interval=config.interval, recovery=2 * config.interval, wait=3 * config.interval)
    return Parts(
        puller=Puller(prometheus, signals, config.window, queries, reader),
        precedence=precedence,
        refitter=Refitter(histories, signals, plan, fits, config.storage),
        chronicle=Chronicle(prometheus, queries, _remaining(config, signals), config.interval),
        listener=listener,
        notifier=notifier,
        sender=_sender(config, signals, rules),
        store=Store(config.storage, _signature(config, signals)),
        metrics=metrics,
        terms=_terms(config, signals, rules),
        timing=Timing(config.interval, config.resend, min(MOST_DELAY_SECONDS, config.interval / 6)),
        history=config.history,
        history_step=config.step,
    )


def _terms(config: Config, signals: tuple[Signal, ...], rules: Rules) -> Terms:
    budget = config.budget / config.shard.parts
    return Terms(_named(signals), rules, config.interval, config.window, config.series_limit, budget)


def run(config: Config, stop: threading.Event) -> None:
    """Work until `stop` is set. Raises like `build`."""
    clock = SystemClock(stop)
    with ExitStack() as closing:
        queries = ThreadPoolExecutor(QUERIES_AT_ONCE, "query")
        fits = ThreadPoolExecutor(1, "fit")
        closing.callback(queries.shutdown, wait=False, cancel_futures=True)
        closing.callback(fits.shutdown, wait=False, cancel_futures=True)
        app = build(config, clock, queries, fits, closing, foreign=foreign(config, clock))
        app.detector.run(clock)


def foreign(config: Config, clock: Clock) -> tuple[Signal, ...]:
    """Signals of metrics nobody described, if asked for; waits for a Prometheus that does not answer."""
    client = Prometheus(_prometheus(config), lambda _: None, lambda _: None)
    waited = False
    while config.discover:
        try:
            signals = discovered(client.metadata(), config.discover)
        except QueryError as error:
            if not waited:  # said once, and once more when it is over
                log.warning("metrics not discovered yet", extra={"reason": str(error)})
            waited = True
            if not clock.wait_until(clock.now() + config.interval):
                break
            continue
        log.info("metrics discovered", extra={"signals": len(signals)})
        if len(signals) == MOST_SIGNALS:
            log.warning("further metrics are not watched", extra={"most": MOST_SIGNALS})
        return signals
    return ()


def pool(workers: int, scheduler: str) -> Pool | None:
    """Where to fit: a Dask cluster if there is one, else processes, 0 for one per core. Raises PoolError."""
    return Cluster(scheduler) if scheduler else processes(workers or os.cpu_count() or 1)


def _prometheus(config: Config) -> Endpoint:
    credentials = Credentials.read(config.prometheus_http) if config.prometheus_http else Credentials()
    return Endpoint(config.prometheus_url, credentials, config.prometheus_timeout, ANSWER_BYTES)


def _alertmanagers(config: Config) -> list[Alertmanager]:
    credentials = Credentials.read(config.alertmanager_http) if config.alertmanager_http else Credentials()
    urls = dict.fromkeys(config.alertmanager_urls) if config.alerting else {}
    return [Alertmanager(Endpoint(url, credentials, config.alertmanager_timeout, RECEIPT_BYTES)) for url in urls]


def _named(signals: tuple[Signal, ...]) -> dict[str, Signal]:
    return {signal.name: signal for signal in signals}


def _remaining(config: Config, signals: tuple[Signal, ...]) -> dict[str, str]:
    return {signal.name: with_window(signal.remaining, config.window) for signal in signals if signal.remaining}


def _sender(config: Config, signals: tuple[Signal, ...], rules: Rules) -> Sender:
    return Sender(
        signals=_named(signals),
        queries={signal.name: with_window(signal.query, config.window) for signal in signals},
        external_labels={label.name: label.value for label in config.external_labels},
        places=Places(
            prometheus=config.prometheus_external_url or config.prometheus_url,
            detector=config.external_url,
            runbooks=config.runbook_url,
            dashboard=config.dashboard_url,
        ),
        round_seconds=max(config.interval, config.resend),
        tell_seconds=rules.tell,
    )


def _signature(config: Config, signals: tuple[Signal, ...]) -> str:
    """Names what baselines depend on, so that those of other signals are not used."""
    text = repr((signals, config.window, config.interval, config.step, config.shard))
    return hashlib.sha256(text.encode()).hexdigest()


def _count(metrics: Metrics) -> Callable[[str], None]:
    def count(reason: str) -> None:
        metrics.query_failures.labels(reason).inc()

    return count


def _routes(config: Config, detector: Detector, metrics: Metrics, clock: Clock) -> dict[str, Handler]:
    links = (
        Link(config.telemetry_path, "The detector's metrics: scores, expected ranges and its own health."),
        Link("/-/healthy", "Whether the process runs."),
        Link("/-/ready", "Whether it can do its work, or why not."),
    )
    about = "Learns what is usual for every service in Prometheus and tells Alertmanager when that stops being so."
    return {
        "/": landing_handler("Larimar detector", about, version(), links),
        config.telemetry_path: metrics_handler(metrics.registry),
        **health_routes(lambda: detector.not_ready(clock.now())),
    }
