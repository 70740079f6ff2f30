"""Known numbers of requests with known failures."""

import contextlib
import http.client
import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import psycopg

from tests.live.support import resp
from tests.live.support.servers import dsn

Connected = TypeVar("Connected")
LATE_SECONDS = 1.0  # behind its time, a load does not make up for more than this


def spread(count: int, kinds: Sequence[tuple[str, int]], chance: random.Random) -> list[str]:
    """Return `count` items, so many of each further kind and the first kind for the rest, shuffled."""
    first, _ = kinds[0]
    items = [kind for kind, number in kinds[1:] for _ in range(number)]
    items += [first] * (count - len(items))
    chance.shuffle(items)
    return items


def side_by_side(work: Callable[[list[Any]], None], items: Sequence[Any], workers: int) -> None:
    """Do `work` on an equal share of the items in each of several threads."""
    shares = [list(items[number::workers]) for number in range(workers)]
    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(work, share) for share in shares]:
            done.result()


def get_pages(port: int, paths: Sequence[str], workers: int) -> None:
    """Get each path once, over one kept connection per worker."""

    def work(share: list[str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for path in share:
            connection.request("GET", path)
            connection.getresponse().read()
        connection.close()

    side_by_side(work, paths, workers)


def ask_redis(port: int, commands: Sequence[Sequence[str | int]], depth: int) -> int:
    """Send the commands in pipelines of `depth`, one after the other; return how many errors came back."""
    errors = 0
    left = iter(commands)
    with resp.Connection(port) as connection:
        while batch := list(itertools.islice(left, depth)):
            replies = connection.pipeline(batch)
            errors += sum(isinstance(reply, bytes) and reply.startswith(b"-") for reply in replies)
    return errors


def ask_postgresql(port: int, statements: Sequence[str], prepared: bool, workers: int) -> None:
    """Run each statement with one random parameter, prepared once per connection or written out as text."""

    def work(share: list[str]) -> None:
        cursors = psycopg.Cursor if prepared else psycopg.ClientCursor
        with psycopg.connect(dsn(port), autocommit=True, cursor_factory=cursors) as connection:
            chance = random.Random(len(share))
            for statement in share:
                run_statement(connection, statement, chance.lognormvariate(0, 0.35), prepared)

    side_by_side(work, statements, workers)


def run_statement(connection: psycopg.Connection[Any], statement: str, value: float, prepared: bool) -> None:
    """Run one statement; that it fails may be its purpose."""
    try:
        connection.execute(statement, (value,), prepare=prepared)
    except psycopg.DatabaseError:
        # A lost connection is no answer, and would be a failure of the test.
        if connection.closed:
            raise


@contextmanager
def steadily(act: Callable[[], None], rate: Callable[[], float], workers: int) -> Iterator[None]:
    """Call `act` so many times per second as `rate` says, at random moments, whatever single calls take or raise.

    Calls that fail are part of the tests: the services they go to are stopped and broken on purpose.
    """
    stop = threading.Event()

    def work(number: int) -> None:
        chance = random.Random(number)
        due = time.monotonic()
        # The next call is due from when the last one was, not from when it ended: a slow server is asked as often.
        while not stop.wait(max(0.0, due - time.monotonic())):
            due = max(due, time.monotonic() - LATE_SECONDS) + chance.expovariate(rate() / workers)
            # OSError is a connection refused or cut, HTTPException an answer cut short.
            with contextlib.suppress(OSError, http.client.HTTPException, psycopg.Error):
                act()

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


class PerThread(Generic[Connected]):
    """One kept connection per thread, made again after a failure; all are closed at the end."""

    def __init__(self, connect: Callable[[], Connected], close: Callable[[Connected], None]) -> None:
        self._connect = connect
        self._close = close
        self._open: dict[int, Connected] = {}

    def use(self, act: Callable[[Connected], object]) -> None:
        """Do `act` with this thread's connection; what it raises is raised, and the connection is dropped."""
        mine = threading.get_ident()
        if mine not in self._open:
            self._open[mine] = self._connect()
        try:
            act(self._open[mine])
        except Exception:
            self._close(self._open.pop(mine))
            raise

    def close(self) -> None:
        """Close every connection; their threads must have ended."""
        while self._open:
            self._close(self._open.popitem()[1])


@contextmanager
def steadily_with(
    kept: PerThread[Connected], act: Callable[[Connected], object], rate: Callable[[], float], workers: int
) -> Iterator[None]:
    """Do `steadily` with a kept connection per worker."""
    try:
        with steadily(lambda: kept.use(act), rate, workers):
            yield
    finally:
        kept.close()
