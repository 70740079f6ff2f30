"""The shop's web application (WSGI): products, carts and orders; where its stores are it reads from the environment.

`GET /products/ID` is cached, `POST /cart` counts, `POST /checkout` takes an order as JSON and stores it with its items
in one transaction. An order tells how its statements are to be sent, and may tell that it is to fail or be taken back.
"""

import json
import os
import threading
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import psycopg
import redis
from pymemcache.client.base import Client as Memcached

from tests.live.shop.orders import Fate, Writing

Start = Callable[[str, list[tuple[str, str]]], object]
CACHED_SECONDS = 1
ORDER = "INSERT INTO orders (number, customer, total, currency, status) VALUES ({0}, {0}, {0}, {0}, {0})"
ITEM = "INSERT INTO order_items (order_number, product, quantity, unit_price) VALUES ({0}, {0}, {0}, {0})"
PLACES = {Writing.LITERAL: "%s", Writing.TEXT: "%t", Writing.BINARY: "%b", Writing.PREPARED: "%b"}


class Stores(threading.local):
    """The connections of one thread."""

    def __init__(self) -> None:
        self.database = psycopg.connect(os.environ["SHOP_DATABASE"], autocommit=True)
        self.redis = redis.Redis(port=int(os.environ["SHOP_REDIS"]))
        self.cache = Memcached(("127.0.0.1", int(os.environ["SHOP_MEMCACHED"])))


STORES = Stores()


class DeclinedError(Exception):
    """The payment was declined after the order had been written."""


def application(environment: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Answer one request."""
    method, path = environment["REQUEST_METHOD"], environment["PATH_INFO"]
    if method == "GET" and path.startswith("/products/"):
        return _answer(start, "200 OK", product(int(path.rpartition("/")[2])))
    told = json.loads(environment["wsgi.input"].read(int(environment.get("CONTENT_LENGTH") or 0)), parse_float=Decimal)
    if (method, path) == ("POST", "/cart"):
        return _answer(start, "200 OK", str(STORES.redis.incrby(f"cart:{told['customer']}", told["quantity"])))
    try:
        check_out(told)
    except psycopg.errors.UniqueViolation:
        return _answer(start, "409 Conflict", "ordered before")
    except DeclinedError:
        return _answer(start, "402 Payment Required", "declined")
    return _answer(start, "201 Created", "thank you")


def product(number: int) -> str:
    """Return a product's name from the cache, else from the database."""
    key = f"product:{number}"
    cached = STORES.cache.get(key)
    if cached is None:
        row = STORES.database.execute("SELECT name FROM products WHERE id = %s", (number,)).fetchone()
        cached = row[0].encode() if row is not None else b""
        STORES.cache.set(key, cached, CACHED_SECONDS)
    return bytes(cached).decode()


def check_out(order: dict[str, Any]) -> None:
    """Store an order."""
    writing = Writing(order["writing"])
    with STORES.database.transaction():
        cursor = psycopg.ClientCursor(STORES.database) if writing is Writing.LITERAL else STORES.database.cursor()
        how = {} if writing is Writing.LITERAL else {"prepare": writing is Writing.PREPARED}
        head = (order["number"], order["customer"], Decimal(order["total"]), order["currency"], "paid")
        cursor.execute(ORDER.format(PLACES[writing]), head, **how)
        with STORES.database.transaction():
            for item in order["items"]:
                line = (order["number"], item["product"], item["quantity"], Decimal(item["unit_price"]))
                cursor.execute(ITEM.format(PLACES[writing]), line, **how)
        if order["fate"] == Fate.DECLINED:
            raise DeclinedError
    STORES.redis.delete(f"cart:{order['customer']}")


def _answer(start: Start, status: str, text: str) -> Iterable[bytes]:
    body = text.encode()
    start(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
