"""Prints the alerts that a Prometheus's past would have caused."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

from detector.app import ANSWER_BYTES, QUERIES_AT_ONCE, pool
from detector.backtest.config import BacktestConfig
from detector.backtest.fleet import Past, Record, Told, relive
from detector.backtest.picture import Picture, draw
from detector.clients.endpoint import Credentials, Endpoint
from detector.clients.matrix import Grid
from detector.clients.prometheus import Prometheus
from detector.clock import floor_to
from detector.history.ask import Histories, Manner
from detector.incidents.amounts import bare_amount, unit_shown
from detector.incidents.explanation import annotations, label
from detector.incidents.lifecycle import Rules
from detector.learning.refit import Plan
from detector.model import Seconds, Signal
from detector.pull import Puller
from detector.reader import Reader
from detector.signals import SHIPPED, load, with_window
from detector.watch import Terms
from toolkit.progress import Follower
from toolkit.values import duration_text

BEFORE_SECONDS, AFTER_SECONDS = 3 * 3600.0, 3600.0


def tell_past(config: BacktestConfig, as_json: bool, pictures: Path | None, out: TextIO, progress: Follower) -> None:
    """Write each alert that would have been sent, by time.

    Args:
        pictures: a folder for one picture per alert; None: none.
        progress: told the share that is done.

    Raises:
        SignalsError, CredentialsError: a file cannot be used.
        QueryError: Prometheus gave no usable answer.
        OSError: something cannot be written.
    """
    signals = load((SHIPPED, *config.signals))
    end = floor_to(time.time() - config.interval, config.interval)
    columns = max(1, int(config.since // config.interval))
    grid = Grid(end - (columns - 1) * config.interval, config.interval, columns)
    with ExitStack() as closing:
        folder = Path(closing.enter_context(TemporaryDirectory(prefix="larimar-backtest-")))
        record = Record.opened(grid, folder, closing)
        past = _past(config, signals, folder, closing)
        told = relive(past, grid, record, progress)
        progress.clear()
        for number, one in enumerate(told, 1):
            out.write(_as_json(one, past, config.window) if as_json else _as_text(one, past, config.window))
            if pictures is not None:
                _draw(pictures, number, one, past, record, grid.end)
    if not as_json:
        out.write(f"{len(told)} alert{'s' * (len(told) != 1)} in {duration_text(config.since)}\n")


def _past(config: BacktestConfig, signals: tuple[Signal, ...], folder: Path, closing: ExitStack) -> Past:
    credentials = Credentials.read(config.prometheus_http) if config.prometheus_http else Credentials()
    endpoint = Endpoint(config.prometheus_url, credentials, config.prometheus_timeout, ANSWER_BYTES)
    queries = closing.enter_context(ThreadPoolExecutor(QUERIES_AT_ONCE, "query"))
    prometheus, reader = Prometheus(endpoint, lambda _: None, lambda _: None), Reader(signals, shard=config.shard)
    puller = Puller(prometheus, signals, config.window, queries, reader)
    histories = Histories(prometheus, signals, config.window, reader, Manner(keep=True))
    plan = Plan(config.history, config.step, config.interval, config.refit, pool(config.workers, config.scheduler))
    rules = Rules(interval=config.interval, recovery=2 * config.interval, wait=3 * config.interval)
    named = {signal.name: signal for signal in signals}
    terms = Terms(named, rules, config.interval, config.window, config.series_limit, config.budget / config.shard.parts)
    return Past(puller, histories, signals, plan, terms, folder)


def _texts(told: Told, past: Past, window: Seconds) -> dict[str, str]:
    queries = {signal.name: with_window(signal.query, window) for signal in past.signals}
    return annotations(told.incident, past.terms.signals, queries, told.told_at)


def _as_text(told: Told, past: Past, window: Seconds) -> str:
    span = f"{_moment(told.told_at)}, " + (
        "still firing" if told.ended_at is None else f"until {_moment(told.ended_at)}"
    )
    identity = told.incident.identity
    texts = _texts(told, past, window)
    description = texts.get("description", "")
    return f"{span}: {identity.alertname}, {identity.severity}: {texts['summary']}\n" + (
        f"    {description}\n" if description else ""
    )


def _as_json(told: Told, past: Past, window: Seconds) -> str:
    document = {
        "labels": told.incident.identity.labels(),
        "annotations": _texts(told, past, window),
        "started_at": told.incident.starts_at,
        "told_at": told.told_at,
        "ended_at": told.ended_at,
    }
    return json.dumps(document) + "\n"


def _draw(folder: Path, number: int, told: Told, past: Past, record: Record, end: Seconds) -> None:
    """Draw the series that leads an alert; loss of sight has none."""
    if not told.incident.findings:
        return
    lead = told.incident.findings[0]
    until = told.ended_at if told.ended_at is not None else end
    course = record.course(lead.key, told.incident.starts_at - BEFORE_SECONDS, until + AFTER_SECONDS)
    if len(course.times) < 2:
        return
    signal = past.terms.signals[lead.key.signal]
    title = f"{lead.key.service_name}: {label(lead.key)}{unit_shown(signal)}"
    spans = ((told.told_at, until),)
    picture = Picture(
        title,
        course.times,
        course.observed,
        course.expected,
        course.lower,
        course.upper,
        spans,
        lambda value: bare_amount(value, signal),
        signal.unit.startswith("bytes"),
    )
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(lead.key.names()))[:100]
    (folder / f"{number:03d}-{plain}.svg").write_text(draw(picture), encoding="utf-8")


def _moment(at: Seconds) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
