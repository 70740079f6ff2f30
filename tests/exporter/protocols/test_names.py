import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.protocols.names import schema_name, topic_name
from tests.exporter.protocols import samples_kafka, samples_messaging
from tests.exporter.protocols.conversing import Step, client, converse, server

TOPICS = {
    "orders": "orders",
    "orders.created.v1": "orders.created.v1",
    "shop.order-events.dlq": "shop.order-events.dlq",
    "sensors/4711/temperature": "sensors/{id}/temperature",
    "devices/550e8400-e29b-41d4-a716-446655440000/up": "devices/{id}/up",
    "tele/tasmota_4A5B6C7D/STATE": "tele/tasmota_{id}/STATE",
    "_INBOX.Xq8sbVaTpYxq.3": "_INBOX.{id}",
    "$SYS/broker/load": "$SYS/{id}",
    "amq.gen-JzTY20BRgKO-HjmUJj0wLg": "amq.{id}",
    "users/john@example.com/mail": "users/{id}/mail",
    "a/b/c/d/e/f/g/h/i/j": "a/b/c/d/e/f/g/h",
    "orders-s3cr3t-Zw9": "{id}",
    "x" * 100: "{id}",
    "": "",
}
TABLES = {
    b"Orders": "orders",
    b'"Orders"': "Orders",
    b"`order items`": "order items",
    b"events_2024_01_31": "events_{id}",
    b"tmp_8f3a2b9c1d": "tmp_{id}",
    b"oauth2_tokens": "oauth2_tokens",
    b'"a@b.c"': "",
    b"": "",
    b"\xff": "",
}


@pytest.mark.parametrize(("topic", "told"), TOPICS.items())
def test_identifiers_in_topics_are_not_told(topic: str, told: str) -> None:
    assert topic_name(topic.encode()) == told


@pytest.mark.parametrize(("table", "told"), TABLES.items())
def test_numbers_in_tables_are_not_told(table: bytes, told: str) -> None:
    assert schema_name(table) == told


@given(st.binary(max_size=300))
def test_any_bytes_give_a_short_printable_name(raw: bytes) -> None:
    assert topic_name(raw).isprintable()
    assert len(topic_name(raw)) <= 8 * 60
    assert schema_name(raw).isprintable()


def destinations(*steps: Step) -> list[str]:
    """Return where the messages that were sent or delivered went."""
    requests = [one.request for one in converse(steps).exchanges if one.request is not None]
    return [request.operation.target for request in requests if request.operation.target]


def test_mqtt_tells_topics() -> None:
    topic = samples_messaging.text(b"home/42/light") + b"on"
    opening = samples_messaging.MQTT_OPENING
    said = client(samples_messaging.mqtt(0x30, topic)), server(samples_messaging.mqtt(0x30, topic))
    assert destinations(*opening, *said) == ["home/{id}/light"] * 2


def test_amqp_tells_the_exchange_or_the_queue() -> None:
    name, method, content = samples_messaging.name, samples_messaging.method, samples_messaging.content
    publish = method(1, 60, 40, b"\0\0" + name(b"shop") + name(b"orders.eu") + b"\0") + content(1, b"x")
    queued = method(1, 60, 40, b"\0\0" + name(b"") + name(b"orders") + b"\0") + content(1, b"x")
    deliver = method(1, 60, 60, name(b"tag") + struct.pack("!QB", 1, 0) + name(b"shop") + name(b"eu")) + content(
        1, b"x"
    )
    told = destinations(*samples_messaging.AMQP_OPENING, client(publish + queued), server(deliver))
    assert told == ["shop", "orders", "shop"]


def test_nats_tells_subjects() -> None:
    info = b'INFO {"server_id":"ND4X","version":"2.9.10","max_payload":1048576}\r\n'
    steps = (
        server(info),
        client(b"CONNECT {}\r\nPUB orders.17.paid 2\r\nhi\r\n"),
        server(b"MSG orders.17.paid 1 2\r\nhi\r\n"),
    )
    assert destinations(*steps) == ["orders.{id}.paid"] * 2


@pytest.mark.parametrize("version", [2, 7, 9])
def test_kafka_tells_the_first_topic_that_is_written_to(version: int) -> None:
    acks = struct.pack("!hi", 1, 1500)
    if version >= 9:
        body = b"\0" + b"\0" + acks + b"\x02" + b"\x07orders" + b"\x02" + bytes(20)
    else:
        body = (b"\xff\xff" if version >= 3 else b"") + acks + struct.pack("!i", 1) + samples_kafka.short(b"orders")
    kept = destinations(client(samples_kafka.request(0, version, 5, body + bytes(30))))
    assert kept == ["orders"]
