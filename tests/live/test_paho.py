"""A real MQTT client in every quality of service, by Mosquitto's own `$SYS` topics and the client's clock."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.live.support import stack
from tests.live.support.agreement import Known, assert_agrees
from tests.live.support.counted import Counted
from tests.live.support.distance import far_away
from tests.live.support.seen import UNSHED, Seen
from tests.live.support.stopwatch import Stopwatch
from tests.live.support.waiting import until
from tests.live.test_mosquitto import mosquitto

pytestmark = [pytest.mark.long, pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
PUBLISHED = 400
SEED = 46
RECEIVED = "$SYS/broker/messages/received"  # of every kind


class Listener:
    """Takes what is published: how many orders, and what the broker says of itself last."""

    def __init__(self) -> None:
        self.orders = 0
        self.figures: dict[str, int] = {}
        self.subscribed = threading.Event()

    def take(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        if message.topic.startswith("$"):
            self.figures[message.topic] = int(message.payload)
        else:
            self.orders += 1


@contextmanager
def connected(port: int, listener: Listener, *topics: str) -> Iterator[paho.Client]:
    """Connect and subscribe, until the end."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.on_message = listener.take
    client.on_subscribe = lambda *_: listener.subscribed.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    if topics:
        client.subscribe([(topic, 0) for topic in topics])
        assert listener.subscribed.wait(10)
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def publish(client: paho.Client, watch: Stopwatch, chance: random.Random) -> int:
    """Return how many requests that makes: the best quality of service takes two exchanges."""
    made = 0
    for _ in range(PUBLISHED):
        quality = chance.choice((0, 1, 1, 1, 1, 1, 1, 1, 1, 2))
        if quality == 1:
            with watch.lap():
                client.publish("shop/orders", b"x" * chance.randrange(400), quality).wait_for_publish(10)
        else:
            client.publish("shop/orders", b"x", quality).wait_for_publish(10)
        made += max(1, quality)
    return made


def test_messages_equal_the_brokers_own(tmp_path: Path) -> None:
    watch, listener, silent = Stopwatch(), Listener(), Listener()
    with (
        stack.exporter(tmp_path, *UNSHED) as exporter,
        mosquitto(tmp_path) as port,
        far_away(tmp_path, port) as far,
    ):
        with connected(port, listener, "shop/#", RECEIVED), connected(far, silent) as publisher:
            # Two sessions have begun, one has subscribed.
            requests = publish(publisher, watch, random.Random(SEED)) + 3
            until(lambda: listener.orders >= PUBLISHED, 20, "not all was delivered")
            until(lambda: listener.figures.get(RECEIVED, 0) >= requests, 25, lambda: f"told: {listener.figures}")

        def delivered(seen: Seen) -> bool:
            return seen.total("larimar_messages_total", operation="deliver") >= PUBLISHED + 1

        own = Counted(listener.figures[RECEIVED], 0, watch.median_seconds)
        seen = assert_agrees(exporter, port, Known("mosquitto", "mqtt", own, far), delivered)
    assert own.requests == requests
    messages = seen.by("operation", "larimar_messages_total", messaging_system="mqtt")
    assert messages["publish"] == PUBLISHED
    assert messages["deliver"] == pytest.approx(PUBLISHED, rel=0.01, abs=5)  # what the broker says of itself included
