"""Records a ClickHouse, asked by its own client; its own log of queries is what it counted."""

from pathlib import Path

from tests.live.support.clickhouse import clickhouse as running
from tests.pcaps.tape import recorded

STATEMENTS = (
    "CREATE TABLE orders (id UInt32, name String, total Decimal(9, 2)) ENGINE = Memory",
    *(f"INSERT INTO orders SELECT number, toString(number), {rows} FROM numbers({rows})" for rows in (1, 90, 20_000)),
    *(f"SELECT count() FROM orders WHERE id < {number}" for number in range(15)),
    "SELECT id, name FROM orders LIMIT 3000",
    "SELECT name FROM system.tables",
    "DESCRIBE TABLE orders",
    "SHOW TABLES",
)
FAILING = ("SELECT 1 FROM nowhere", "SELECT intDiv(1, 0)", "DROP TABLE nowhere")


def clickhouse(folder: Path, file: Path) -> dict[str, object]:
    """Record it, with results compressed and not."""
    with running(folder) as server:
        with recorded(file, server.port):
            server.run(STATEMENTS)
            server.run(("INSERT INTO orders (id, name) FORMAT Values (1, 'a'), (2, 'b')",))
            for statement in FAILING:
                server.run((statement,))
            server.run(STATEMENTS[4:-2], "--compression=0")
        return server.counts(len(STATEMENTS) + 1 + len(FAILING) + len(STATEMENTS[4:-2]))
