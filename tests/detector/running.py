"""Runs a whole detector on a fake clock against the servers of `servers.py`."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from detector.app import App, build
from detector.config import Config
from detector.model import Seconds
from tests.detector.servers import FakeAlertmanager, FakePrometheus
from toolkit.values import Address

NOON = 1_750_000_000.0 // 86400 * 86400 + 43200  # a Sunday
MINUTE = 60.0
HOUR = 3600.0
START = NOON
FAULT = START + 10 * MINUTE


class AtOnce(Executor):
    """Runs what is submitted before it returns."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run now."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class FakeClock:
    """Goes to wherever it is asked to wait, until its end."""

    def __init__(self, at: Seconds) -> None:
        self.at = at
        self.end = at
        self.settled: Callable[[], object] = lambda: None

    def now(self) -> Seconds:
        """What it says."""
        return self.at

    def wait_until(self, at: Seconds) -> bool:
        """Let what was sent arrive, then jump."""
        self.settled()
        if at > self.end:
            self.at = self.end
            return False
        self.at = max(self.at, at)
        return True


@dataclass(slots=True)
class Run:
    """A detector under test."""

    app: App
    clock: FakeClock

    def until(self, end: Seconds) -> None:
        """Work up to a time."""
        self.clock.end = end
        self.app.detector.run(self.clock)


def settings(prometheus: FakePrometheus, folder: Path, *alertmanagers: FakeAlertmanager) -> Config:
    """A detector's settings with six days of history and one process."""
    return replace(
        Config(),
        listen=Address("127.0.0.1", 0),
        prometheus_url=prometheus.url,
        alertmanager_urls=tuple(one.url for one in alertmanagers),
        prometheus_timeout=5.0,
        storage=folder,
        history=6 * 86400.0,
        workers=1,
    )


@contextmanager
def running(config: Config, clock: FakeClock, queries: Executor | None = None) -> Iterator[Run]:
    """A detector, closed in the end as by SIGTERM."""
    # One query at a time: Prometheus plays in the same process, whose threads would only wait for each other.
    with ExitStack() as closing:
        app = build(config, clock, queries or AtOnce(), AtOnce(), closing, lambda _: 0.01)
        clock.settled = lambda: app.notifier.settle(2.0)
        yield Run(app, clock)


@contextmanager
def killed(folder: Path) -> Iterator[None]:
    """Take back what a graceful end writes to disk until this ends."""
    saved = folder.with_name(f"{folder.name}.saved")
    shutil.copytree(folder, saved)
    yield
    shutil.rmtree(folder)
    saved.rename(folder)
