"""Queries of ClickHouse's own client, by the server's log of queries."""

import random
from pathlib import Path

import pytest

from tests.live.support import stack
from tests.live.support.clickhouse import clickhouse
from tests.live.support.seen import UNSHED, Seen, settled

pytestmark = [pytest.mark.long, pytest.mark.timeout(240), pytest.mark.usefixtures("capturing")]
QUERIES, FAILING = 300, 12
SEED = 61
DATABASE = {"db_system": "clickhouse"}
CREATED = "CREATE TABLE IF NOT EXISTS orders (id UInt32, name String) ENGINE = Memory"


def statements(chance: random.Random) -> list[str]:
    """Return queries that succeed, some with long results and some that write."""
    kinds = (
        "SELECT count() FROM orders WHERE id < {}",
        "SELECT number, toString(number) FROM numbers({}00)",
        "INSERT INTO orders SELECT number, 'x' FROM numbers({})",
    )
    return [CREATED, *(chance.choice(kinds).format(chance.randrange(1, 900)) for _ in range(QUERIES))]


def test_queries_equal_the_servers_log(tmp_path: Path) -> None:
    asked = statements(random.Random(SEED))
    with stack.exporter(tmp_path, *UNSHED) as exporter, clickhouse(tmp_path / "clickhouse") as server:
        server.run(asked[:150])
        server.run(asked[150:], "--compression=0")
        for number in range(FAILING):
            server.run([f"SELECT {number} FROM nowhere"])

        def queries(seen: Seen) -> dict[str, float]:
            return seen.by("operation", "larimar_db_queries_total", **DATABASE)

        seen = settled(exporter, server.port, lambda seen: sum(queries(seen).values()) >= 2 * (len(asked) + FAILING))
        own = server.counts(len(asked) + FAILING)
    assert seen.service == "clickhouse"
    assert queries(seen) == own["operations"], seen.losses()
    assert seen.total("larimar_requests_total", protocol="clickhouse") == own["requests"]
    assert seen.total("larimar_request_errors_total", protocol="clickhouse") == own["errors"]
