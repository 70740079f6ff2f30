"""Connections of MQTT, AMQP and WebSocket."""

from tests.exporter.protocols.conversing import client, server
from tests.exporter.protocols.sample import SECRET, Sample


def mqtt(first: int, body: bytes = b"") -> bytes:
    """Return a packet of MQTT."""
    size, length = len(body), b""
    while not length or size:
        size, low = size >> 7, size & 0x7F
        length += bytes((low | (0x80 if size else 0),))
    return bytes((first,)) + length + body


def text(value: bytes) -> bytes:
    """Return a string of MQTT."""
    return len(value).to_bytes(2, "big") + value


MQTT_OPENING = (
    client(mqtt(0x10, text(b"MQTT") + b"\5\xc2\0\x3c\0" + text(b"me") + text(b"bob") + text(SECRET))),
    server(mqtt(0x20, b"\0\0\0")),
)
MQTT = (
    client(mqtt(0x82, b"\0\7\0" + text(b"a/#") + b"\1" + text(SECRET) + b"\0")),
    server(mqtt(0x90, b"\0\7\0\1\x87")),
    client(mqtt(0x32, text(b"shop/" + SECRET) + b"\0\x08\0" + SECRET * 40) + mqtt(0x34, text(b"x") + b"\0\x09\0yes")),
    server(mqtt(0x40, b"\0\x08") + mqtt(0x50, b"\0\x09\x97\0")),
    client(mqtt(0xC0)),
    server(mqtt(0x32, text(b"a/b") + b"\0\1\0" + SECRET) + mqtt(0xD0)),
    client(mqtt(0x40, b"\0\1") + mqtt(0xA2, b"\0\x0a\0" + text(b"a/#"))),
    server(mqtt(0xB0, b"\0\x0a\0\0")),
)
MQTT_REQUESTS = ("SUBSCRIBE", "PUBLISH", "PUBLISH", "PUBLISH_OUT", "PINGREQ", "UNSUBSCRIBE")


def websocket(first: int, payload: bytes, masked: bool) -> bytes:
    """Return a frame of WebSocket; masked with zeros, which leaves the payload as it is."""
    size = len(payload)
    mask = 0x80 if masked else 0
    if size < 126:
        length = bytes((size | mask,))
    elif size < 1 << 16:
        length = bytes((126 | mask,)) + size.to_bytes(2, "big")
    else:
        length = bytes((127 | mask,)) + size.to_bytes(8, "big")
    return bytes((first,)) + length + (b"\0\0\0\0" if masked else b"") + payload


WEBSOCKET = (
    client(websocket(0x81, SECRET, True)),
    server(websocket(0x82, SECRET * 60, False) + websocket(0x89, b"ping", False)),
    client(websocket(0x8A, b"ping", True) + websocket(0x01, SECRET, True) + websocket(0x80, SECRET, True)),
    server(websocket(0x81, SECRET, False)),
)
MQTT_SAMPLES = (
    Sample(
        "two levels of quality", MQTT_OPENING + MQTT, ("CONNECT", *MQTT_REQUESTS), len(MQTT_OPENING), opening_requests=1
    ),
)
WEBSOCKET_SAMPLES = (Sample("both ways", WEBSOCKET, ("to-server", "to-client", "to-server", "to-client")),)


def amqp(kind: int, channel: int, payload: bytes) -> bytes:
    """Return a frame of AMQP."""
    return bytes((kind,)) + channel.to_bytes(2, "big") + len(payload).to_bytes(4, "big") + payload + b"\xce"


def method(channel: int, number: int, index: int, arguments: bytes = b"") -> bytes:
    """Return a method frame of AMQP."""
    return amqp(1, channel, number.to_bytes(2, "big") + index.to_bytes(2, "big") + arguments)


def name(value: bytes) -> bytes:
    """Return a short string of AMQP."""
    return bytes((len(value),)) + value


def content(channel: int, *parts: bytes) -> bytes:
    """Return a content's header and bodies."""
    header = b"\0\x3c\0\0" + sum(map(len, parts)).to_bytes(8, "big") + b"\0\0"
    return amqp(2, channel, header) + b"".join(amqp(3, channel, part) for part in parts)


AMQP_OPENING = (
    client(b"AMQP\0\0\x09\x01"),
    server(method(0, 10, 10, b"\0\x09\0\0\0\0" + b"\0\0\0\5PLAIN\0\0\0\5en_US")),
    client(method(0, 10, 11, b"\0\0\0\0" + name(b"PLAIN") + b"\0\0\0\x0a" + SECRET + name(b"en_US"))),
    server(method(0, 10, 30, b"\x07\xff\0\2\0\0\0\x3c")),
    client(method(0, 10, 31, b"\x07\xff\0\2\0\0\0\x3c") + method(0, 10, 40, name(b"/") + b"\0\0")),
    server(method(0, 10, 41, b"\0")),
)
AMQP = (
    client(method(1, 20, 10, b"\0")),
    server(method(1, 20, 11, b"\0\0\0\0")),
    client(
        method(1, 50, 10, b"\0\0" + name(SECRET) + b"\2\0\0\0\0") + method(2, 50, 20, b"\0\0" + name(b"q") * 3 + b"\1")
    ),
    server(method(1, 50, 11, name(SECRET) + b"\0" * 8)),
    client(method(1, 60, 40, b"\0\0" + name(b"") + name(SECRET) + b"\0") + content(1, SECRET * 9, SECRET * 300)),
    client(method(1, 60, 70, b"\0\0" + name(b"q") + b"\0")),
    server(method(1, 60, 60, name(b"c") + b"\0" * 8 + b"\0" + name(b"") + name(b"q")) + content(1, SECRET)),
    server(method(1, 60, 71, b"\0" * 9 + name(b"") + name(b"q") + b"\0" * 4) + content(1, SECRET * 30)),
    client(amqp(8, 0, b"") + method(1, 40, 10, b"\0\0" + name(b"e") + name(b"nope") + b"\0\0\0\0\0")),
    server(method(1, 20, 40, b"\1\x9a" + name(SECRET) + b"\0\x28\0\x0a")),
    client(method(1, 20, 41)),
)
AMQP_REQUESTS = (
    "channel.open",
    "queue.bind",
    "queue.declare",
    "basic.publish",
    "basic.deliver",
    "basic.get",
    "exchange.declare",
)
AMQP_SAMPLES = (
    Sample(
        "declared, published, delivered and refused",
        AMQP_OPENING + AMQP,
        ("connection.start-ok", "connection.open", *AMQP_REQUESTS),
        len(AMQP_OPENING),
        opening_requests=2,
    ),
)
