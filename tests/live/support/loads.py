"""Known numbers of requests with known failures."""

import http.client
import itertools
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.live.support import resp
from tests.live.support.servers import dsn


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
        while not stop.wait(chance.expovariate(rate() / workers)):
            # OSError is a connection refused or cut, HTTPException an answer cut short.
            try:
                act()
            except (OSError, http.client.HTTPException, psycopg.Error):
                continue

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
