"""Money that was stored in MariaDB, as text and by prepared statements in binary, by its own sum."""

import random
import struct
from decimal import Decimal
from pathlib import Path

import pymysql
import pytest

from tests.live.support import stack
from tests.live.support.mariadb import Client, mariadb
from tests.live.support.seen import UNSHED, Seen, settled

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
ROUNDS = 150
INTEGER, DOUBLE, DECIMAL, STRING = 3, 5, 246, 254
TABLE = "CREATE TABLE shop.orders (id int PRIMARY KEY, total decimal(12, 2), weight double, currency varchar(9))"
INSERT = "INSERT INTO shop.orders (id, total, currency) VALUES "


def in_text(port: int, chance: random.Random) -> None:
    """Store orders by literals, in transactions of which some are rolled back, and some statements refused."""
    connection = pymysql.connect(host="127.0.0.1", port=port, user="root")
    with connection, connection.cursor() as cursor:
        for number in range(ROUNDS):
            total = Decimal(chance.randint(1, 99_999)) / 100
            cursor.execute(INSERT + "(%s, %s, 'EUR')", (number, total))
            if number % 10 == 9:
                with pytest.raises(pymysql.IntegrityError):
                    cursor.execute(INSERT + "(%s, %s, 'EUR')", (number, total))
            if number % 7 == 6:
                connection.rollback()
            else:
                connection.commit()


def prepared(port: int, chance: random.Random) -> None:
    """Store orders by bound parameters of several types; they commit themselves."""
    client = Client(port)
    insert = client.prepare(INSERT + "(?, ?, ?)")
    for number in range(ROUNDS, 2 * ROUNDS):
        cents = chance.randint(1, 99_999)
        kind = (DECIMAL, DOUBLE, STRING)[number % 3]
        text = f"{cents // 100}.{cents % 100:02d}".encode()
        total = struct.pack("<d", cents / 100) if kind == DOUBLE else bytes((len(text),)) + text
        client.execute_bound(insert, (INTEGER, kind, STRING), struct.pack("<i", number) + total + b"\3USD")
    client.close()


def test_money_equals_the_databases_own_sum(tmp_path: Path) -> None:
    chance = random.Random(4)
    with stack.exporter(tmp_path, *UNSHED) as exporter, mariadb(tmp_path) as port:
        client = Client(port)
        for statement in ("CREATE DATABASE shop", TABLE):
            client.query(statement)
        client.close()
        in_text(port, chance)
        prepared(port, chance)
        with pymysql.connect(host="127.0.0.1", port=port, user="root") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT currency, count(*), sum(total) FROM shop.orders GROUP BY 1")
            rows = cursor.fetchall()
        own = {currency: total for currency, _, total in rows}

        def told(seen: Seen) -> dict[str, Decimal]:
            found = seen.samples("larimar_business_value_total", event="orders.insert", field="total")
            return {sample.labels["currency"]: Decimal(repr(sample.value)) for sample in found}

        seen = settled(exporter, port, lambda seen: told(seen) == own)
    assert told(seen) == own
    assert set(own) == {"EUR", "USD"}
    orders = seen.total("larimar_business_events_total", event="orders.insert")
    assert orders == sum(count for _, count, _ in rows)
    assert "larimar_business_unread_values_total{" not in seen.page
