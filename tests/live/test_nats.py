"""What the exporter tells of a real NATS server equals what the server counted itself."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.live.support import stack
from tests.live.support.nats import DENIED, Client, Counts, Server, nats
from tests.live.support.seen import UNSHED, settled
from tests.live.support.waiting import until

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]

# Large messages are copied whole, for small ones may lie behind them: all of these together fit into the ring.
MESSAGES, WITH_HEADERS, LARGE, REFUSED, PINGS = 5000, 500, 4, 25, 200


def talk(server: Server) -> int:
    """Publish to two subscribers of which one asked for consents; return the errors that clients were told."""
    with (
        closing(Client(server.port)) as publisher,
        closing(Client(server.port)) as listener,
        closing(Client(server.port, verbose=True)) as consenting,
    ):
        for subscriber in (listener, consenting):
            subscriber.say(b"SUB orders.* 1\r\n")
            subscriber.ping()

        def step() -> None:
            """Have all read what there is: what is written without a pause is cut by the capture, as any bulk load."""
            for client in (publisher, listener, consenting):
                client.ping()

        for number in range(MESSAGES):
            publisher.publish(f"orders.{number % 7}", b"x" * (number % 300))
            if number % (MESSAGES // PINGS) == 0:
                step()
        for number in range(WITH_HEADERS):
            publisher.publish("orders.h", b"y" * number, b"Trace: 1")
            if number % 10 == 0:
                step()
        for _ in range(LARGE):
            step()
            publisher.publish("orders.large", b"z" * 200_000)
        for _ in range(REFUSED):
            publisher.publish(DENIED, b"")
        step()
        return publisher.errors


def test_messages_and_errors_equal_the_servers_own(tmp_path: Path) -> None:
    with stack.exporter(tmp_path, *UNSHED) as exporter, nats(tmp_path / "nats") as server:
        until(lambda: f'{{port="{server.port}"' in exporter.page(), 30, "the exporter knows no port of the server")
        errors = talk(server)
        own = server.counts()
        seen = settled(
            exporter,
            server.port,
            lambda seen: (
                seen.total("larimar_messages_total") >= own.published + own.delivered
                and seen.total("larimar_request_errors_total", protocol="nats") >= REFUSED
            ),
        )

    accepted = MESSAGES + WITH_HEADERS + LARGE
    assert own == Counts(accepted + REFUSED, 2 * accepted)
    messages = seen.by("operation", "larimar_messages_total", messaging_system="nats")
    assert messages["deliver"] == pytest.approx(own.delivered, rel=0.01)
    assert messages["publish"] == pytest.approx(own.published, rel=0.01)
    assert errors == REFUSED
    assert seen.total("larimar_request_errors_total", protocol="nats") == REFUSED
