"""Connections of Kafka."""

from tests.exporter.protocols.conversing import client, server
from tests.exporter.protocols.sample import SECRET, Sample


def short(text: bytes) -> bytes:
    """Return bytes behind their length of two bytes."""
    return len(text).to_bytes(2, "big") + text


def request(key: int, version: int, correlation: int, body: bytes, client_id: bytes = b"app-1") -> bytes:
    """Return a request, its body with the tagged fields of a flexible header in front."""
    numbers = key.to_bytes(2, "big") + version.to_bytes(2, "big") + correlation.to_bytes(4, "big")
    content = numbers + short(client_id) + body
    return len(content).to_bytes(4, "big") + content


def reply(correlation: int, body: bytes) -> bytes:
    """Return an answer, its body with the tagged fields of a flexible header in front."""
    content = correlation.to_bytes(4, "big") + body
    return len(content).to_bytes(4, "big") + content


def produce(correlation: int, acks: int, version: int = 7) -> bytes:
    """Return records for one partition."""
    head = (b"\xff\xff" if version >= 3 else b"") + acks.to_bytes(2, "big", signed=True) + b"\0\0\x75\x30"
    return request(0, version, correlation, head + b"\0\0\0\1" + short(b"t-" + SECRET) + SECRET * 40)


def produced(correlation: int, error: int) -> bytes:
    """Return how records for one partition were taken."""
    partition = b"\0\0\0\0" + error.to_bytes(2, "big") + b"\0" * 24
    return reply(correlation, b"\0\0\0\1" + short(b"t-" + SECRET) + b"\0\0\0\1" + partition + b"\0" * 4)


NEGOTIATION = (
    client(request(18, 3, 1, b"\0\x04app\x041.0\0")),
    server(reply(1, b"\0\x23\0\0\0\1\0\x12\0\0\0\2")),
)
SAMPLES = (
    Sample(
        "whole",
        (
            *NEGOTIATION,
            client(request(18, 0, 2, b"")),
            server(reply(2, b"\0\0\0\0\0\1\0\0\0\0\0\x09")),
            client(request(3, 9, 3, b"\0\2\4t-1\0\1\0\0\0")),
            server(reply(3, b"\0\0\0\0\0" + SECRET * 30)),
            client(produce(4, -1) + produce(5, 1)),
            server(produced(4, 0) + produced(5, 6)),
            client(request(12, 3, 6, short(b"group") + b"\0\0\0\1" + short(SECRET) + b"\xff\xff")),
            server(reply(6, b"\0\0\0\0\0\x1b")),
        ),
        ("ApiVersions", "ApiVersions", "Metadata", "Produce", "Produce", "Heartbeat"),
    ),
    Sample(
        "joined, without a client's name",
        (
            client(request(1, 4, 7, b"\xff" * 4 + b"\0" * 17 + b"\0\0\0\1" + short(SECRET) + b"\0" * 20, b"")),
            server(reply(7, b"\0" * 8 + SECRET * 100)),
            client(request(2, 1, 8, b"\xff" * 4 + b"\0\0\0\1" + short(b"orders") + b"\0" * 16, b"")),
            server(reply(8, b"\0\0\0\1" + short(SECRET) + b"\0" * 22)),
        ),
        ("Fetch", "ListOffsets"),
    ),
)
