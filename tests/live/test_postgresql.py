"""Statements that psycopg prepares, pipelines and copies, by PostgreSQL's log and its own statistics."""

import contextlib
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.live.support import counted, packages, servers, stack
from tests.live.support.agreement import Known, assert_agrees
from tests.live.support.counted import Counted
from tests.live.support.seen import UNSHED
from tests.live.support.stopwatch import Stopwatch
from tests.live.support.waiting import until

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
SINGLE, BATCHES, AT_ONCE, REFUSED = 300, 30, 10, 20
SEED = 42
LOGGED = ("log_min_duration_statement=0", "log_line_prefix=")


def ask(port: int, watch: Stopwatch, chance: random.Random) -> None:
    """Ask one by one and in pipelines; psycopg prepares what it runs often, by itself."""
    with psycopg.connect(servers.dsn(port), autocommit=True) as connection:
        connection.execute("CREATE TABLE orders (id int, total numeric)")
        for number in range(SINGLE):
            with watch.lap():
                connection.execute("SELECT pg_sleep(%s)", (0.01 * chance.lognormvariate(0, 0.35),))
            if number % (SINGLE // REFUSED) == 0:
                with contextlib.suppress(psycopg.errors.DivisionByZero):
                    connection.execute("SELECT 1 / %s::int", (0,))
        for number in range(BATCHES):
            with watch.lap(AT_ONCE + 3):
                batch(connection, number, chance)


def batch(connection: psycopg.Connection[Any], first: int, chance: random.Random) -> None:
    """Send statements without awaiting each other's answers, within a transaction."""
    with connection.pipeline(), connection.transaction():
        for number in range(AT_ONCE):
            connection.execute("INSERT INTO orders VALUES (%s, %s)", (first * AT_ONCE + number, chance.random()))
        connection.execute("SELECT count(*), pg_sleep(0.01) FROM orders", prepare=True)


def test_prepared_and_pipelined_statements_equal_its_log(tmp_path: Path) -> None:
    watch = Stopwatch()
    with (
        stack.exporter(tmp_path, *UNSHED) as exporter,
        servers.postgresql(packages.tree(), tmp_path / "postgresql", *LOGGED) as server,
    ):
        ask(server.port, watch, random.Random(SEED))
        statements = 1 + SINGLE + REFUSED + BATCHES * (AT_ONCE + 3)

        def complete() -> Counted | None:
            own = counted.by_postgresql(server.log)
            return own if own.requests >= statements else None

        own = until(complete, 10, "PostgreSQL's log is not complete")
        with psycopg.connect(servers.dsn(server.port)) as connection:
            (inserted,) = connection.execute("SELECT count(*) FROM orders").fetchone() or (0,)
        # What is pipelined is logged as what it took, and answered when all of it is.
        own = replace(own, median_seconds=watch.median_seconds)
        seen = assert_agrees(exporter, server.port, Known("postgres", "postgresql", own))
    assert (own.requests, own.errors) == (statements, REFUSED)
    operations = seen.by("operation", "larimar_db_queries_total", db_system="postgresql")
    assert operations["INSERT"] == inserted == BATCHES * AT_ONCE
