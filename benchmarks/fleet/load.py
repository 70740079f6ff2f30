"""Asks running services, each at a pace of its own that changes from phase to phase."""

import http.client
import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pika.exceptions
import psycopg
import pymysql

from benchmarks.fleet.running import Running

FASTEST_SECONDS, SLOWEST_SECONDS = 0.05, 2.0
FAILURES = (
    OSError,
    EOFError,
    ValueError,
    http.client.HTTPException,
    psycopg.Error,
    pymysql.Error,
    pika.exceptions.AMQPError,
)


@dataclass(slots=True)
class Loads:
    """The load of all services.

    Attributes:
        failures: how often each engine could not be asked.
        asked: how often it was.
    """

    services: Sequence[Running]
    chance: random.Random
    failures: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    _pauses: dict[int, float] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    def change(self) -> None:
        """Choose another pace for each service."""
        for one in self.services:
            span = SLOWEST_SECONDS / FASTEST_SECONDS
            self._pauses[one.port] = FASTEST_SECONDS * span ** self.chance.random()

    def ask(self, one: Running, chance: random.Random) -> None:
        """Ask one service until the end."""
        ask = one.recipe.ask
        while ask is not None and not self._stop.wait(chance.expovariate(1 / self._pauses[one.port])):
            try:
                ask(one.port, chance)
                self.asked[one.recipe.engine] += 1
            except FAILURES:
                self.failures[one.recipe.engine] += 1

    def stop(self) -> None:
        """End all."""
        self._stop.set()


@contextmanager
def asking(services: Sequence[Running], seed: int) -> Iterator[Loads]:
    """Ask all services for a while, each in a thread."""
    loads = Loads(services, random.Random(seed))
    loads.change()
    threads = [
        threading.Thread(target=loads.ask, args=(one, random.Random(seed + one.port)), daemon=True) for one in services
    ]
    for thread in threads:
        thread.start()
    try:
        yield loads
    finally:
        loads.stop()
        for thread in threads:
            thread.join()
