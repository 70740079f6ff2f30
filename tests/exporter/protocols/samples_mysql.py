"""Connections of MySQL and MariaDB."""

from tests.exporter.protocols.conversing import client, server
from tests.exporter.protocols.sample import SECRET, Sample

PROTOCOL_41, DEPRECATE_EOF, ATTRIBUTES = 0x200, 1 << 24, 1 << 27


def packet(sequence: int, payload: bytes) -> bytes:
    """Return a packet."""
    return len(payload).to_bytes(3, "little") + bytes((sequence,)) + payload


def chain(*payloads: bytes, first: int = 1) -> bytes:
    """Return packets numbered from `first` on."""
    return b"".join(packet((first + place) & 0xFF, payload) for place, payload in enumerate(payloads))


def command(payload: bytes) -> bytes:
    """Return a command."""
    return packet(0, payload)


def greeting(version: bytes = b"10.11.6-MariaDB") -> bytes:
    """Return the server's first packet."""
    return packet(0, b"\x0a" + version + b"\0\x05\0\0\0saltsalt\0\xff\xf7\x08\x02\0\xff\xc1\x15" + bytes(10) + SECRET)


def login(capabilities: int) -> bytes:
    """Return the client's first packet."""
    return packet(
        1, (PROTOCOL_41 | capabilities).to_bytes(4, "little") + b"\0\0\0\1\x21" + bytes(23) + b"bob\0" + SECRET
    )


OK = b"\0\0\0\2\0\0\0"
OK_MORE = b"\0\1\0\x0a\0\0\0"
EOF = b"\xfe\0\0\2\0"
END = b"\xfe\0\0\2\0\0\0"
COLUMN = b"\x03def\x04shop\x01t\x01t\x01a\x01a\x0c\x21\0\x1e\0\0\0\xfd\0\0\0\0\0"
ROW = b"\x0a" + SECRET
ERROR = b"\xff\x7a\x04#42S02Table '" + SECRET + b"' doesn't exist"
PREPARED = b"\0\7\0\0\0\1\0\1\0\0\0\0"
EXECUTE = b"\x17\7\0\0\0\0\1\0\0\0\0\1\xfe\0\x0a" + SECRET

CLASSIC = (client(login(0)), server(packet(2, OK)))
MODERN = (
    client(login(DEPRECATE_EOF)),
    server(packet(2, b"\xfesha\0salt")),
    client(packet(3, SECRET)),
    server(packet(4, OK)),
)
SAMPLES = (
    Sample(
        "text results",
        (
            server(greeting()),
            *CLASSIC,
            client(command(b"\x03SELECT a FROM t WHERE b = '" + SECRET + b"'")),
            server(chain(b"\1", COLUMN, EOF, ROW, ROW, EOF)),
            client(command(b"\x03insert into t values ('" + SECRET + b"')")),
            server(chain(OK)),
            client(command(b"\x03UPDATE nowhere SET a = 1")),
            server(chain(ERROR)),
            client(command(b"\x0e")),
            server(chain(OK)),
            client(command(b"\x03CALL p(1)")),
            server(chain(b"\1", COLUMN, EOF, ROW, b"\xfe\0\0\x0a\0", OK)),
        ),
        ("SELECT", "INSERT", "UPDATE", "COM_PING", "CALL"),
        opening=3,
    ),
    Sample(
        "prepared",
        (
            server(greeting(b"8.0.33")),
            *MODERN,
            client(command(b"\x16DELETE FROM t WHERE a = ?")),
            server(chain(PREPARED, COLUMN, COLUMN)),
            client(command(EXECUTE)),
            server(chain(b"\1", COLUMN, b"\0\0" + SECRET, END)),
            client(command(EXECUTE)),
            server(chain(OK)),
            client(command(b"\x19\7\0\0\0") + command(b"\x03COMMIT")),
            server(chain(OK)),
        ),
        ("COM_STMT_PREPARE", "DELETE", "DELETE", "COMMIT"),
        opening=5,
    ),
)
