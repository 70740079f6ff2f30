"""Connections of ClickHouse's native protocol."""

from tests.exporter.protocols.conversing import client, server
from tests.exporter.protocols.sample import SECRET, Sample

REVISION = b"\x8c\xa9\3"  # 54412
QUERY_ID = b"0f8f0b53-6c1b-4b3e-9a3e-1d9f1c2b3a4d"


def text(value: bytes) -> bytes:
    """Return a text behind its length, of less than 16 KB."""
    size = bytes((len(value),)) if len(value) < 128 else bytes((len(value) & 0x7F | 0x80, len(value) >> 7))
    return size + value


def query(statement: bytes) -> bytes:
    """Return a query and the empty block behind it."""
    info = (
        b"\1" + text(b"") * 2 + text(b"0.0.0.0:0") + b"\1" + text(b"bob") + text(b"host") + text(b"ClickHouse client")
    )
    settings = text(b"max_block_size") + text(SECRET) + text(b"")
    block = b"\2" + text(b"") + b"\1\0\2\xff\xff\xff\xff\0" + b"\0\0"
    return (
        b"\1"
        + text(QUERY_ID)
        + info
        + b"\x12\x10"
        + REVISION
        + text(b"")
        + b"\1"
        + settings
        + b"\2\1"
        + text(statement)
        + block
    )


def exception(code: int) -> bytes:
    """Return an exception."""
    return b"\2" + code.to_bytes(4, "little") + text(b"DB::Exception") + text(b"no " + SECRET) + text(b"trace") + b"\0"


CLIENT_HELLO = b"\0" + text(b"ClickHouse client") + b"\x12\x10" + REVISION + text(b"shop") + text(b"bob") + text(SECRET)
SERVER_HELLO = b"\0" + text(b"ClickHouse") + b"\x12\x10" + REVISION + text(b"UTC") + text(b"db1") + b"\1"
ROWS = b"\1" + text(b"") + b"\1\0\2\xff\xff\xff\xff\0" + b"\1\1" + text(b"name") + text(b"String") + text(SECRET * 12)
DONE = b"\3\1\1\0" + b"\6\1\1\x0a\0\0\0" + b"\5"
BLOCK = b"\2" + text(b"") + b"\1\0\2\xff\xff\xff\xff\0" + b"\1\1" + text(b"name") + text(b"String") + text(SECRET)
LAST = b"\2" + text(b"") + b"\1\0\2\xff\xff\xff\xff\0" + b"\0\0"
SAMPLES = (
    Sample(
        "queries and an insert",
        (
            client(CLIENT_HELLO),
            server(SERVER_HELLO),
            client(query(b"SELECT name FROM customers WHERE token = '" + SECRET * 20 + b"'")),
            server(ROWS + DONE),
            client(query(b" /* x */ insert INTO customers FORMAT Native")),
            server(ROWS[:30]),
            client(BLOCK + LAST),
            server(b"\5"),
            client(query(b"SELEC 1")),
            server(exception(62)),
            client(query(b"SYSTEM FLUSH LOGS")),
            server(b"\5"),
            client(b"\4"),
            server(b"\4"),
            client(query(b"DROP TABLE nowhere")),
            server(b"\3\0\0\0" + exception(60)),
        ),
        ("SELECT", "INSERT", "", "SYSTEM", "ping", "DROP"),
        opening=2,
    ),
)
