from tests.exporter.protocols.conversing import Step, client, converse, copied, server
from tests.exporter.protocols.samples_messaging import (
    AMQP_OPENING,
    MQTT_OPENING,
    amqp,
    content,
    method,
    mqtt,
    name,
    text,
    websocket,
)

UPGRADE = (
    client(b"GET /chat HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"),
    server(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n" + websocket(0x81, b"hi", False)),
)


def test_refused_connection_has_its_reason() -> None:
    kept = converse((MQTT_OPENING[0], server(mqtt(0x20, b"\0\x87\0"))))
    assert (kept.statuses(), kept.failures()) == (["135"], [True])


def test_publication_without_confirmation_awaits_none() -> None:
    kept = converse((*MQTT_OPENING, client(mqtt(0x30, text(b"a") + b"\0x"))))
    assert kept.requests() == ["CONNECT", "PUBLISH"]
    assert kept.exchanges[1].response is None


def test_old_subscription_codes_are_no_properties() -> None:
    opening = (client(mqtt(0x10, text(b"MQTT") + b"\4\2\0\x3c" + text(b"me"))), server(mqtt(0x20, b"\0\0")))
    asked = client(mqtt(0x82, b"\0\1" + text(b"a") + b"\0" + text(b"b") + b"\0"))
    assert converse((*opening, asked, server(mqtt(0x90, b"\0\1\0\1")))).failures() == [False, False]
    assert converse((*opening, asked, server(mqtt(0x90, b"\0\1\1\x80")))).failures() == [False, True]


def test_body_in_many_frames_is_one_message_of_its_whole_size() -> None:
    published = method(1, 60, 40, b"\0\0" + name(b"") + name(b"q") + b"\0") + content(1, b"x" * 900, b"y" * 900)
    (*_, exchange) = converse((*AMQP_OPENING, client(published))).exchanges
    assert exchange.request is not None
    assert (exchange.request.operation.name, exchange.request.size_bytes) == ("basic.publish", len(published))


def test_login_refused_by_closing_the_connection_has_failed() -> None:
    closed = server(method(0, 10, 50, b"\1\x93" + name(b"ACCESS_REFUSED") + b"\0\0\0\0"))
    kept = converse((*AMQP_OPENING[:3], closed))
    assert (kept.requests(), kept.statuses()) == (["connection.start-ok"], ["403"])


def test_request_that_wants_no_answer_gets_none() -> None:
    declared = client(method(1, 50, 10, b"\0\0" + name(b"q") + b"\x10\0\0\0\0"))
    kept = converse((*AMQP_OPENING, declared))
    assert kept.exchanges[-1].response is None


def test_heartbeats_are_nothing() -> None:
    kept = converse((*AMQP_OPENING, client(amqp(8, 0, b"")), server(amqp(8, 0, b""))))
    assert kept.requests() == ["connection.start-ok", "connection.open"]


def test_messages_follow_the_upgrade() -> None:
    ping = (client(websocket(0x89, b"", True)), server(websocket(0x8A, b"", False)))
    kept = converse((*UPGRADE, client(websocket(0x82, b"x" * 70_000, True)[:2000]), *ping))
    assert kept.protocols == ["http", "websocket"]
    assert kept.requests()[:2] == ["GET", "to-client"]


def test_lost_part_of_a_message_is_no_loss() -> None:
    long = websocket(0x82, b"x" * 5000, True)
    kept = converse((*UPGRADE, client(long[:100]), Step(0, lost=len(long) - 100), client(websocket(0x81, b"y", True))))
    assert kept.requests() == ["GET", "to-client", "to-server", "to-server"]


def test_amqp_contents_whose_end_was_lost_count() -> None:
    publish = method(1, 60, 40, b"\0\0" + name(b"") + name(b"orders") + b"\0") + content(1, b"x" * 4000)
    deliver = method(1, 60, 60, name(b"c") + b"\0" * 8 + b"\0" + name(b"") + name(b"orders")) + content(1, b"x" * 4000)
    steps = [*AMQP_OPENING, client(publish), server(deliver), client(publish), server(deliver)]
    kept = converse([*steps[: len(AMQP_OPENING)], *copied(steps[len(AMQP_OPENING) :], 96)])
    assert kept.requests()[-4:] == ["basic.publish", "basic.deliver"] * 2
