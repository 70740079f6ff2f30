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
    if size < 126:
        length = bytes((size | (0x80 if masked else 0),))
    else:
        length = bytes((126 | (0x80 if masked else 0),)) + size.to_bytes(2, "big")
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
