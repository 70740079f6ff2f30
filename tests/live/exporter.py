"""A stand-in for the exporter: counters of a few services that run at chosen rates in real time."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.live.history import LATENCY_SECONDS, families
from toolkit.http1 import Request, Response
from toolkit.server import serve


@dataclass(slots=True)
class Exporter:
    """Serves the services of `rates`; a service that is stopped has no series."""

    rates: dict[str, float]
    stopped: set[str] = field(default_factory=set)
    errors: dict[str, float] = field(default_factory=dict)  # share of requests
    added_seconds: dict[str, float] = field(default_factory=dict)  # to each request's time
    url: str = ""
    _totals: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    _at: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def serving(self) -> Iterator["Exporter"]:
        """Run."""
        server = serve("127.0.0.1:0", {"/metrics": self._metrics})
        self.url = server.url
        try:
            yield self
        finally:
            server.close()

    def _metrics(self, _: Request) -> Response:
        with self._lock:
            self._advance()
            text = families({name: total for name, total in self._totals.items() if name not in self.stopped})
        return Response(text.encode(), "text/plain; version=0.0.4")

    def _advance(self) -> None:
        now = time.monotonic()
        passed, self._at = now - self._at, now
        for name, rate in self.rates.items():
            requests, errors, seconds = self._totals.get(name, (1e6, 1e3, 1e5))
            made = 0.0 if name in self.stopped else rate * passed
            took = LATENCY_SECONDS + self.added_seconds.get(name, 0.0)
            self._totals[name] = (
                requests + made,
                errors + made * self.errors.get(name, 0.0),
                seconds + made * took,
            )
