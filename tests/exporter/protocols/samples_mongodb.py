"""Connections of MongoDB."""

import struct
import zlib

from tests.exporter.protocols.conversing import client, server
from tests.exporter.protocols.sample import SECRET, Sample

MSG, QUERY, REPLY, COMPRESSED = 2013, 2004, 1, 2012
SNAPPY, ZLIB = 1, 2


def text(value: bytes) -> bytes:
    """Return a string's value."""
    return struct.pack("<i", len(value) + 1) + value + b"\0"


def document(*elements: bytes) -> bytes:
    """Return a document of elements."""
    content = b"".join(elements) + b"\0"
    return struct.pack("<i", len(content) + 4) + content


def string(name: bytes, value: bytes) -> bytes:
    """Return an element that is a string."""
    return b"\x02" + name + b"\0" + text(value)


def nested(name: bytes, *elements: bytes) -> bytes:
    """Return an element that is a document."""
    return b"\x03" + name + b"\0" + document(*elements)


def integer(name: bytes, value: int) -> bytes:
    """Return an element that is an integer of four bytes."""
    return b"\x10" + name + b"\0" + struct.pack("<i", value)


def ok(value: float) -> bytes:
    """Return the element that says how a command ended."""
    return b"\x01ok\0" + struct.pack("<d", value)


def message(opcode: int, identifier: int, to: int, body: bytes) -> bytes:
    """Return a message."""
    return struct.pack("<iiii", len(body) + 16, identifier, to, opcode) + body


def msg(identifier: int, to: int, content: bytes, flags: int = 0, *sections: bytes) -> bytes:
    """Return an OP_MSG of a document, and of sections behind it."""
    return message(MSG, identifier, to, struct.pack("<I", flags) + b"\0" + content + b"".join(sections))


def sequence(name: bytes, *documents: bytes) -> bytes:
    """Return a section of several documents."""
    content = name + b"\0" + b"".join(documents)
    return b"\1" + struct.pack("<i", len(content) + 4) + content


def packed(whole: bytes, compressor: int) -> bytes:
    """Return a message compressed; by Snappy as one literal."""
    body = whole[16:]
    content = zlib.compress(body) if compressor == ZLIB else bytes((len(body), (len(body) - 1) << 2)) + body
    identifier, to, opcode = struct.unpack_from("<iii", whole, 4)
    return message(COMPRESSED, identifier, to, struct.pack("<iiB", opcode, len(body), compressor) + content)


SECRETS = document(string(b"a", SECRET), nested(b"b", string(b"ok", SECRET)))
HELLO = struct.pack("<I", 0) + b"admin.$cmd\0" + struct.pack("<ii", 0, -1) + document(integer(b"isMaster", 1))
GREETED = struct.pack("<Iqii", 8, 0, 0, 1) + document(b"\x08ismaster\0\1", integer(b"maxWireVersion", 21), ok(1.0))
SAMPLES = (
    Sample(
        "commands",
        (
            client(message(QUERY, 1, 0, HELLO)),
            server(message(REPLY, 900, 1, GREETED)),
            client(
                msg(2, 0, document(string(b"insert", b"t"), string(b"$db", b"d")), 0, sequence(b"documents", SECRETS))
            ),
            server(msg(901, 2, document(integer(b"n", 1), ok(1.0)))),
            client(
                msg(3, 0, document(string(b"find", b"t"), nested(b"filter", string(b"a", SECRET))))
                + msg(4, 0, document(string(b"aggregate", b"t"), string(b"$db", b"d")), 1, b"csum")
            ),
            server(
                msg(
                    902,
                    3,
                    document(nested(b"cursor", string(b"x", SECRET * 100), ok(0.0)), ok(1.0), string(b"z", SECRET)),
                )
                + msg(
                    903,
                    4,
                    document(ok(0.0), string(b"errmsg", SECRET), integer(b"code", 59), string(b"codeName", b"C")),
                )
            ),
            client(msg(5, 0, document(integer(b"ping", 1)))),
            server(msg(904, 5, document(ok(1.0)))),
        ),
        ("isMaster", "insert", "find", "aggregate", "ping"),
    ),
    Sample(
        "compressed",
        (
            client(packed(msg(7, 0, document(string(b"update", b"t"), string(b"$db", b"d"))), ZLIB)),
            server(packed(msg(905, 7, document(integer(b"n", 0), ok(0.0), integer(b"code", 11000))), ZLIB)),
            client(packed(msg(8, 0, document(string(b"delete", b"t"), string(b"$db", b"d"))), SNAPPY)),
            server(packed(msg(906, 8, document(ok(1.0), integer(b"n", 0))), SNAPPY)),
        ),
        ("update", "delete"),
    ),
)
