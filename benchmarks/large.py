"""A large message of every protocol, or as many of the largest that it allows, with what comes before and behind it.

A protocol that sends in frames or records is given them in the size that its servers use.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hpack import Encoder

from exporter.protocols.cassandra_segments import crc24
from tests.exporter.protocols import samples_clickhouse as clickhouse
from tests.exporter.protocols import samples_fastcgi as fastcgi
from tests.exporter.protocols import samples_http2 as http2
from tests.exporter.protocols import samples_memcached as memcached
from tests.exporter.protocols import samples_messaging as messaging
from tests.exporter.protocols import samples_mongodb as mongodb
from tests.exporter.protocols import samples_mysql as mysql
from tests.exporter.protocols import samples_zookeeper as zookeeper
from tests.exporter.protocols.conversing import Step, client, server
from tests.exporter.protocols.samples import pg, resp
from tests.exporter.protocols.samples_cassandra import QUERY, RESULT, ROWS, envelope, query, segment
from tests.exporter.protocols.samples_cassandra import opening as cassandra_opening
from tests.exporter.protocols.samples_dns import answer, framed, question
from tests.exporter.protocols.samples_kafka import reply, request
from tests.exporter.protocols.samples_ldap import ber, result, search
from tests.exporter.protocols.samples_nats import INFO
from tests.exporter.protocols.samples_smtp import SAMPLES as SMTP
from tests.exporter.protocols.samples_tls import record

SEGMENT_BYTES = 1460
LETTERS = b"abcdefghijklmnop" * 4096  # not all the same, as no document is
CQL = b"SELECT v FROM t"


@dataclass(frozen=True, slots=True)
class Large:
    """An exchange with much in it.

    Attributes:
        before: what is said first, up to the large message.
        direction: who says it.
        told: the message in whole, or several.
        after: what ends the exchange.
    """

    before: tuple[Step, ...]
    direction: int
    told: bytes
    after: tuple[Step, ...] = ()

    def segments(self) -> Iterator[bytes]:
        """Yield the message as the network carries it."""
        for at in range(0, len(self.told), SEGMENT_BYTES):
            yield self.told[at : at + SEGMENT_BYTES]


def filled(size: int) -> bytes:
    """Return so many letters."""
    return (LETTERS * (1 + size // len(LETTERS)))[:size]


def framed_in(size: int, most: int, wrap: Callable[[bytes], bytes]) -> bytes:
    """Return letters in frames of at most so many bytes, each wrapped alike."""
    whole, rest = divmod(size, most)
    return wrap(filled(most)) * whole + (wrap(filled(rest)) if rest else b"")


def answered(asked: bytes, told: bytes, after: bytes = b"", opening: tuple[Step, ...] = ()) -> Large:
    """Return a large answer."""
    return Large((*opening, client(asked)), 1, told, (server(after),) if after else ())


def sent(told: bytes, after: bytes, opening: tuple[Step, ...] = ()) -> Large:
    """Return a large request and its answer."""
    return Large(opening, 0, told, (server(after),))


def _page(size: int, target: bytes = b"/index.html") -> tuple[bytes, bytes]:
    asked = b"GET " + target + b" HTTP/1.1\r\nHost: example.org\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % size
    return asked, head + (b"X-Elastic-Product: Elasticsearch\r\n\r\n" if b"_" in target else b"\r\n") + filled(size)


def _http2(size: int, kind: str) -> Large:
    asking, telling = Encoder(), Encoder()
    call = {"_method": "POST", "_scheme": "http", "_path": "/shop.Cart/Get"}
    asked = http2.fields(asking, **call, content_type=kind)
    head = http2.frame(http2.HEADERS, http2.WHOLE, 1, http2.fields(telling, _status="200", content_type=kind))
    body = framed_in(size, 1 << 14, lambda part: http2.frame(http2.DATA, 0, 1, part))
    last = http2.frame(http2.HEADERS, http2.WHOLE | http2.END, 1, http2.fields(telling, grpc_status="0"))
    return answered(http2.frame(http2.HEADERS, http2.WHOLE | http2.END, 1, asked), head + body, last, http2.OPENING)


def _row_of_mysql(size: int) -> bytes:
    """Return a row; one that is larger than a packet goes on in the next."""
    value = b"\xfe" + size.to_bytes(8, "little") + filled(size)
    parts = [value[at : at + 0xFFFFFF] for at in range(0, len(value) + 1, 0xFFFFFF)]
    return mysql.chain(b"\1", mysql.COLUMN, mysql.EOF) + mysql.chain(*parts, first=4)


def _documents(size: int) -> bytes:
    """Return batches of a MongoDB cursor, at most 16 MB each, to a query that asks for as many as there are."""
    batch = mongodb.nested(b"cursor", mongodb.string(b"x", filled(size)))
    return mongodb.msg(8, 7, mongodb.document(batch, mongodb.ok(1.0)))


def _block_of_clickhouse(size: int) -> bytes:
    row = clickhouse.text(filled(100))
    rows = max(1, size // len(row))
    count = bytes(((rows >> 7 * place) & 0x7F) | (0x80 if place < 2 else 0) for place in range(3))
    head = b"\1" + clickhouse.text(b"") + b"\1\0\2\xff\xff\xff\xff\0" + b"\1" + count
    return head + clickhouse.text(b"name") + clickhouse.text(b"String") + row * rows


def _of_clickhouse(size: int) -> bytes:
    return _block_of_clickhouse(1 << 20) * (size >> 20) + _block_of_clickhouse(size % (1 << 20))


def _of_smtp(size: int) -> Large:
    opening = SMTP[0].steps[:13]  # up to the answer to DATA
    lines = framed_in(size, 76, lambda line: line + b"\r\n")
    return Large(opening, 0, lines + b".\r\n", (server(b"250 2.0.0 queued\r\n"),))


def _of_fastcgi(size: int) -> Large:
    head = fastcgi.record(fastcgi.STDOUT, b"Content-type: text/html\r\n\r\n")
    body = framed_in(size, 65_528, lambda part: fastcgi.record(fastcgi.STDOUT, part))
    return answered(fastcgi.asked(b"GET"), head + body, fastcgi.record(fastcgi.END, bytes(8)))


def _of_amqp(size: int) -> Large:
    publish = messaging.method(1, 60, 40, b"\0\0" + messaging.name(b"") + messaging.name(b"orders") + b"\0")
    header = messaging.amqp(2, 1, b"\0\x3c\0\0" + size.to_bytes(8, "big") + b"\0\0")
    body = framed_in(size, 131_064, lambda part: messaging.amqp(3, 1, part))
    return Large((*messaging.AMQP_OPENING, *messaging.AMQP[:2]), 0, publish + header + body)


def _segments(message: bytes) -> bytes:
    """Return a message of Cassandra in as many segments as it takes, none of which holds it alone."""
    out = []
    for at in range(0, len(message), 0x1FFFF):
        part = message[at : at + 0x1FFFF]
        head = len(part).to_bytes(3, "little")
        out.append(head + crc24(head).to_bytes(3, "little") + part + b"crc!")
    return b"".join(out)


def _of_ldap(size: int) -> Large:
    photo = _long(0x30, ber(4, b"photo") + _long(0x31, _long(4, filled(size))))
    entry = _long(0x64, ber(4, b"cn=big") + _long(0x30, photo))
    return answered(search(2), _long(0x30, ber(2, b"\2") + entry), result(2, 0x65))


def _long(tag: int, content: bytes) -> bytes:
    """Return an element of any length."""
    return bytes((tag, 0x84)) + len(content).to_bytes(4, "big") + content


def _zone(size: int) -> bytes:
    """Return a zone's transfer: answers of nearly 64 KB to one question."""
    return framed(answer(7, 252, records=2000)) * max(1, size // 32_000)


LARGE: dict[str, Callable[[int], Large]] = {
    "http": lambda size: answered(*_page(size)),
    "redis": lambda size: answered(resp(b"GET", b"k"), b"$%d\r\n" % size + filled(size), b"\r\n"),
    "postgresql": lambda size: answered(
        pg(b"Q", b"SELECT name FROM customers\0"),
        pg(b"D", b"\0\1" + size.to_bytes(4, "big") + filled(size)),
        pg(b"C", b"SELECT 1\0") + pg(b"Z", b"I"),
    ),
    "mysql": lambda size: answered(
        mysql.command(b"\x03SELECT a FROM t"),
        _row_of_mysql(size),
        mysql.chain(mysql.EOF, first=5 + size // 0xFFFFFF),
        mysql.SAMPLES[0].steps[:3],
    ),
    "memcached": lambda size: answered(b"get k\r\n", b"VALUE k 0 %d\r\n" % size + filled(size), b"\r\nEND\r\n"),
    "memcached, binary": lambda size: answered(
        memcached.request(0, b"k"), memcached.reply(0, 0, memcached.FLAGS, value=filled(size))
    ),
    "dns": lambda size: answered(framed(question(7, 252)), _zone(size)),
    "tls-inferred": lambda size: answered(
        record(23, filled(90)),
        framed_in(size, 1 << 14, lambda part: record(23, part)),
        record(23, b"end"),
    ),
    "http2": lambda size: _http2(size, "application/json"),
    "grpc": lambda size: _http2(size, "application/grpc"),
    "websocket": lambda size: Large(messaging.WEBSOCKET, 1, messaging.websocket(0x82, filled(size), False)),
    "mqtt": lambda size: Large(
        messaging.MQTT_OPENING,
        0,
        messaging.mqtt(0x32, messaging.text(b"a/b") + b"\0\x08\0" + filled(size)),
        (server(messaging.mqtt(0x40, b"\0\x08")),),
    ),
    "amqp": _of_amqp,
    "mongodb": lambda size: answered(
        mongodb.msg(7, 0, mongodb.document(mongodb.string(b"find", b"t"), mongodb.string(b"$db", b"shop"))),
        _documents(size),
    ),
    "cassandra": lambda size: answered(
        envelope(4, 2, QUERY, query(CQL)), envelope(0x84, 2, RESULT, ROWS + filled(size)), opening=cassandra_opening(4)
    ),
    "cassandra, version 5": lambda size: answered(
        segment(envelope(5, 2, QUERY, query(CQL))), _segments(envelope(0x85, 2, RESULT, ROWS + filled(size)))
    ),
    "zookeeper": lambda size: answered(
        zookeeper.request(2, 4, zookeeper.buffer(b"/a") + b"\1"),
        zookeeper.reply(2, 0, zookeeper.buffer(filled(size)) + bytes(68)),
        opening=zookeeper.OPENING,
    ),
    "kafka": lambda size: answered(
        request(1, 4, 7, b"\xff" * 4 + bytes(17) + b"\0\0\0\1\0\3big" + bytes(20)), reply(7, bytes(8) + filled(size))
    ),
    "nats": lambda size: Large(
        (server(INFO), client(b'CONNECT {"verbose":true}\r\n'), server(b"+OK\r\n")),
        0,
        b"PUB orders.x %d\r\n" % size + filled(size) + b"\r\n",
        (server(b"+OK\r\n"),),
    ),
    "ldap": _of_ldap,
    "fastcgi": _of_fastcgi,
    "smtp": _of_smtp,
    "clickhouse": lambda size: answered(
        clickhouse.query(b"SELECT name FROM t"),
        _of_clickhouse(size),
        clickhouse.DONE,
        (client(clickhouse.CLIENT_HELLO), server(clickhouse.SERVER_HELLO)),
    ),
    "elasticsearch": lambda size: answered(*_page(size, b"/shop/_search")),
}
# Where a message can only be so large; bigger ones are several.
MOST = {"mongodb": 48_000_000, "zookeeper": 60 << 20, "nats": 60 << 20}
