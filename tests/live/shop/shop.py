"""Runs the shop and its customers."""

import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import psycopg
import requests

from tests.live.shop.orders import PRODUCTS, Fate, Writing, orders
from tests.live.support import loads, packages
from tests.live.support.processes import Command, accepts, free_port, running
from tests.live.support.servers import dsn, postgresql, redis
from tests.live.support.stack import ROOT

SCHEMA = """
CREATE TABLE products (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (
    number bigint PRIMARY KEY, customer int NOT NULL, total numeric(12, 2) NOT NULL, currency text NOT NULL,
    status text NOT NULL);
CREATE TABLE order_items (
    order_number bigint NOT NULL REFERENCES orders, product int NOT NULL, quantity int NOT NULL,
    unit_price numeric(12, 2) NOT NULL);
"""
THREADS = 3
ANSWERS = {Fate.PAID: 201, Fate.REPEATED: 409, Fate.DECLINED: 402}
PAGES_PER_ORDER = 2


@dataclass(frozen=True, slots=True)
class Books:
    """What the shop's own database says.

    Attributes:
        revenue: the sum of the orders' totals, by currency.
        items, quantity: lines of orders, and pieces.
    """

    orders: int
    revenue: dict[str, Decimal]
    items: int
    quantity: int


class Shop:
    """A running shop.

    Attributes:
        port, database, cache, store: where the application, PostgreSQL, memcached and Redis listen on loopback.
    """

    def __init__(self, port: int, database: int, cache: int, store: int) -> None:
        self.port = port
        self.database = database
        self.cache = cache
        self.store = store

    def drive(self, count: int, writing: Writing, chance: random.Random, customers: int = THREADS) -> Counter[int]:
        """Let customers look at products, fill carts and place so many orders; return the answers to the orders.

        Raises:
            AssertionError: an order was answered otherwise than its fate asks for.
        """
        answers: Counter[int] = Counter()
        seeds = [random.Random(chance.random()) for _ in range(customers)]
        shares = [count // customers + (place < count % customers) for place in range(customers)]

        def buy(places: list[int]) -> None:
            for place in places:
                with requests.Session() as session:
                    session.trust_env = False
                    for order in orders(shares[place], seeds[place], writing):
                        answers[self._buy(session, order)] += 1

        loads.side_by_side(lambda share: buy(list(share)), list(range(customers)), customers)
        return answers

    def _buy(self, session: requests.Session, order: dict[str, object]) -> int:
        url = f"http://127.0.0.1:{self.port}"
        number, customer = order["number"], order["customer"]
        assert isinstance(number, int)
        for page in range(PAGES_PER_ORDER):
            session.get(f"{url}/products/{(number + page) % PRODUCTS}", timeout=30).raise_for_status()
        session.post(f"{url}/cart", json={"customer": customer, "quantity": 1}, timeout=30).raise_for_status()
        answer = session.post(f"{url}/checkout", json=order, timeout=30)
        assert answer.status_code == ANSWERS[Fate(str(order["fate"]))], answer.text
        return answer.status_code

    def books(self) -> Books:
        """Return what the database says, asked on a connection of its own."""
        with psycopg.connect(dsn(self.database), autocommit=True) as connection:
            revenue: dict[str, Decimal] = dict(
                connection.execute("SELECT currency, sum(total) FROM orders GROUP BY 1").fetchall()
            )
            count = connection.execute("SELECT count(*) FROM orders").fetchone()
            lines = connection.execute("SELECT count(*), coalesce(sum(quantity), 0) FROM order_items").fetchone()
        assert count is not None
        assert lines is not None
        return Books(count[0], revenue, lines[0], lines[1])


@contextmanager
def shop(folder: Path) -> Iterator[Shop]:
    """Run the shop with empty books."""
    tree = packages.with_programs("postgres", "initdb", "redis-server", "memcached")
    with ExitStack() as started:
        database = started.enter_context(postgresql(tree, folder / "postgresql"))
        store = started.enter_context(redis(tree, folder / "redis"))
        cache = free_port()
        command = (tree.binary("memcached"), "-u", "nobody", "-l", "127.0.0.1", "-p", str(cache), "-U", "0")
        started.enter_context(
            running(Command(command, folder / "memcached.log", tree.environment({})), lambda: accepts(cache))
        )
        with psycopg.connect(dsn(database.port), autocommit=True) as connection:
            connection.execute(SCHEMA)
            connection.execute(
                "INSERT INTO products SELECT n, 'product ' || n FROM generate_series(0, %s) n", (PRODUCTS - 1,)
            )
        environment = {
            "SHOP_DATABASE": dsn(database.port),
            "SHOP_REDIS": str(store.port),
            "SHOP_MEMCACHED": str(cache),
            "PYTHONPATH": str(ROOT),
        }
        port = started.enter_context(_gunicorn(folder, environment))
        yield Shop(port, database.port, cache, store.port)


@contextmanager
def _gunicorn(folder: Path, environment: dict[str, str]) -> Iterator[int]:
    port = free_port()
    options = ("--bind", f"127.0.0.1:{port}", "--threads", str(THREADS), "--control-socket", str(folder / "control"))
    command = Command(
        (sys.executable, "-m", "gunicorn", *options, "tests.live.shop.application:application"),
        folder / "gunicorn.log",
        environment,
    )
    with running(command, lambda: accepts(port)):
        yield port
