"""Queries that MariaDB ran, by its own counts, as text and prepared, with known errors."""

import contextlib
import random
import statistics
import time
from pathlib import Path

import pymysql
import pytest

from tests.live.support import stack
from tests.live.support.agreement import Known, assert_agrees
from tests.live.support.counted import Counted
from tests.live.support.mariadb import DEPRECATE_EOF, Client, RefusedError, mariadb
from tests.live.support.seen import UNSHED, Seen, settled
from tests.live.support.stopwatch import Stopwatch

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
ROUNDS = 1000
SLOW_ROUNDS = 300
FAILING = 50
COUNTED = ("SELECT", "INSERT", "UPDATE")


def own_counts(client: Client) -> dict[str, int]:
    """Return how many statements of each kind MariaDB executed."""
    rows = client.query("SHOW GLOBAL STATUS LIKE 'Com_%'")
    return {
        kind: next(int(row[2 + row[0] :]) for row in rows if row[1 : 1 + row[0]] == f"Com_{kind.lower()}".encode())
        for kind in COUNTED
    }


def ask(client: Client, chance: random.Random) -> None:
    client.query("CREATE TABLE IF NOT EXISTS shop.t (a int, b varchar(200)) ENGINE=MEMORY")
    insert = client.prepare("INSERT INTO shop.t VALUES (?, ?)")
    select = client.prepare("SELECT b FROM shop.t WHERE a < ? LIMIT 20")
    for number in range(ROUNDS):
        client.query(f"SELECT {number}, 'x{chance.random()}'")
        client.execute(insert, (str(number % 50), "y" * chance.randint(0, 90)))
        client.execute(select, (str(number % 50),))
        if number % 10 == 0:
            client.query(f"UPDATE shop.t SET b = 'z' WHERE a = {number}")
    client.forget(insert)
    client.forget(select)


def fail(client: Client) -> None:
    for number in range(FAILING):
        with contextlib.suppress(RefusedError):
            client.query(f"SELECT * FROM shop.nowhere WHERE a = {number}")


def slow(client: Client, chance: random.Random) -> float:
    """Return the median of what the client itself measures, of times spread over the histogram's buckets."""
    took = []
    for _ in range(SLOW_ROUNDS):
        begun = time.perf_counter()
        client.query(f"DO SLEEP({chance.uniform(0, 0.012):.5f})")
        took.append(time.perf_counter() - begun)
    return statistics.median(took)


def test_queries_equal_the_servers_own(tmp_path: Path) -> None:
    chance = random.Random(3)
    with stack.exporter(tmp_path, *UNSHED) as exporter, mariadb(tmp_path) as port:
        for capabilities in (0, DEPRECATE_EOF):
            client = Client(port, capabilities)
            client.query("CREATE DATABASE IF NOT EXISTS shop")
            ask(client, chance)
            fail(client)
            client.close()
        client = Client(port)
        own = own_counts(client)
        client.close()

        def executed(seen: Seen) -> dict[str, float]:
            told = seen.by("operation", "larimar_db_queries_total", db_system="mysql")
            return {kind: told.get(kind, 0.0) for kind in COUNTED}

        seen = settled(exporter, port, lambda seen: executed(seen) == own)
    assert own["SELECT"] == 2 * (2 * ROUNDS + FAILING)
    assert executed(seen) == own
    assert seen.total("larimar_request_errors_total") == 2 * FAILING


def test_median_equals_the_clients_own(tmp_path: Path) -> None:
    with stack.exporter(tmp_path, *UNSHED) as exporter, mariadb(tmp_path) as port:
        client = Client(port)
        own = slow(client, random.Random(5))
        client.close()
        seen = settled(exporter, port, lambda seen: seen.total("larimar_requests_total") >= SLOW_ROUNDS)
    assert seen.median() == pytest.approx(own, rel=0.15)


@pytest.mark.long
def test_a_real_clients_statements_equal_the_servers_own(tmp_path: Path) -> None:
    watch, chance = Stopwatch(), random.Random(6)
    with stack.exporter(tmp_path, *UNSHED) as exporter, mariadb(tmp_path) as port:
        with pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True) as connection:
            ask_as_people_do(connection, watch, chance)
            # All that the new server was ever asked: what the library sets up and SHOW itself are questions, too.
            own = Counted(questions(connection), FAILING, watch.median_seconds)
        seen = assert_agrees(exporter, port, Known("mariadb", "mysql", own))
    assert seen.total("larimar_requests_total") == own.requests
    assert seen.by("operation", "larimar_db_queries_total")["SELECT"] == SLOW_ROUNDS + FAILING


def questions(connection: pymysql.Connection) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Questions'")
        return int((cursor.fetchone() or ("", 0))[1])


def ask_as_people_do(connection: pymysql.Connection, watch: Stopwatch, chance: random.Random) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE shop")
        cursor.execute("CREATE TABLE shop.orders (id int, note varchar(200))")
        for _ in range(SLOW_ROUNDS):
            with watch.lap():
                cursor.execute("SELECT SLEEP(%s), %s", (round(0.006 * chance.lognormvariate(0, 0.35), 5), "it's"))
        cursor.executemany("INSERT INTO shop.orders VALUES (%s, %s)", [(n, "x" * 150) for n in range(2000)])
        for number in range(FAILING):
            with contextlib.suppress(pymysql.MySQLError):
                cursor.execute("SELECT * FROM shop.nowhere WHERE a = %s", (number,))
