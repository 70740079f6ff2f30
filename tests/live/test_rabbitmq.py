"""RabbitMQ: queues made and deleted, messages published, confirmed, fetched and delivered, by its own counters."""

import contextlib
import os
import random
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pika
import pytest
import requests
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker

from quickstart.debian import Tree
from tests.live.support import packages, stack
from tests.live.support.agreement import Known, assert_agrees
from tests.live.support.counted import Counted
from tests.live.support.distance import far_away
from tests.live.support.processes import Command, accepts, free_port, running
from tests.live.support.seen import UNSHED, Seen
from tests.live.support.stopwatch import Stopwatch
from tests.live.support.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(240), pytest.mark.usefixtures("capturing")]
QUEUES, REFUSED = 100, 15
PUBLISHED, CONFIRMED, FETCHED = 2000, 100, 50
STEP = 10
HANDSHAKE = 3  # start, tune and open are answered by the client or by the server; of one channel the opening
SEED = 43
COUNTERS = {
    "published": "rabbitmq_global_messages_received_total",
    "delivered": "rabbitmq_global_messages_delivered_consume_manual_ack_total",
    "fetched": "rabbitmq_global_messages_delivered_get_auto_ack_total",
    "declared": "rabbitmq_queues_declared_total",
}


@dataclass(frozen=True, slots=True)
class Broker:
    """A running RabbitMQ: where it takes messages, and where it tells of them."""

    port: int
    figures: int

    def own(self, counter: str) -> int:
        """Return one of `COUNTERS`."""
        page = requests.get(f"http://127.0.0.1:{self.figures}/metrics", timeout=10).text
        return sum(int(value) for value in re.findall(rf"^{COUNTERS[counter]}(?:{{.*}})? (\d+)$", page, re.MULTILINE))


@contextmanager
def rabbitmq(folder: Path) -> Iterator[Broker]:
    """Run RabbitMQ with a port mapper of its own; of passing ports the exporter tells the lowest."""
    tree = packages.with_programs("erl", "rabbitmq-server")
    folder.mkdir()
    programs = erlang(tree, folder)
    port, figures, distribution, mapper = sorted(free_port() for _ in range(4))
    (folder / "plugins").write_text("[rabbitmq_prometheus].")
    (folder / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = 127.0.0.1:{port}\nprometheus.tcp.ip = 127.0.0.1\nprometheus.tcp.port = {figures}\n"
    )
    environment = tree.environment(
        {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(mapper),
            "RUNNING_UNDER_SYSTEMD": "1",  # the shell gives way to Erlang
            "RABBITMQ_NODENAME": "rabbit@localhost",
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false +S 2:2 +sbwt none",
        }
    )
    server = next(tree.root.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"))
    epmd = Command((programs / "epmd", "-address", "127.0.0.1"), folder / "epmd.log", environment)
    command = Command((server,), folder / "rabbitmq.log", environment)
    log = folder / "rabbitmq.log"
    with running(epmd, lambda: accepts(mapper)), running(command, lambda: "Server startup complete" in log.read_text()):
        yield Broker(port, figures)


def erlang(tree: Tree, folder: Path) -> Path:
    """Write an `erl` for the unpacked Erlang, whose own one names a fixed place; return where its programs are."""
    root = tree.root / "usr/lib/erlang"
    (programs,) = root.glob("erts-*/bin")
    script = folder / "erl"
    script.write_text(
        f'#!/bin/sh\nexport ROOTDIR={root} BINDIR={programs} EMU=beam PROGNAME=erl\nexec {programs}/erlexec "$@"\n'
    )
    script.chmod(0o755)
    return programs


def talk(port: int, watch: Stopwatch, chance: random.Random) -> int:
    """Return how many requests that are answered were made."""
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port))
    channel = connection.channel()
    for number in range(QUEUES):
        with watch.lap():
            channel.queue_declare(f"orders.{number}", durable=True)
    for number in range(PUBLISHED):
        channel.basic_publish("", f"orders.{number % 7}", b"x" * chance.randrange(3000))
        if number % STEP == 0:
            # What is written without a pause is cut by the capture, as any bulk load.
            with watch.lap():
                channel.queue_declare("orders.0", passive=True)
    fetch(channel, watch)
    channel.confirm_delivery()
    for _ in range(CONFIRMED):
        channel.basic_publish("", "orders.0", b"y")
    for number in range(1, QUEUES):
        with watch.lap():
            channel.queue_delete(f"orders.{number}")
    for _ in range(REFUSED):
        with contextlib.suppress(ChannelClosedByBroker):
            connection.channel().queue_declare("nowhere", passive=True)
    connection.close()
    return HANDSHAKE + QUEUES + PUBLISHED // STEP + FETCHED + 1 + QUEUES - 1 + 2 * REFUSED + 2


def fetch(channel: BlockingChannel, watch: Stopwatch) -> None:
    for _ in range(FETCHED):
        with watch.lap():
            channel.basic_get("orders.0", auto_ack=True)


def consume(port: int, count: int) -> None:
    with ExitStack() as left:
        connection = left.enter_context(pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port)))
        channel = connection.channel()
        channel.basic_qos(prefetch_count=STEP)
        for delivered, (method, _, _) in enumerate(channel.consume("orders.0"), 1):
            channel.basic_ack(method.delivery_tag)
            if delivered == count:
                break


def test_messages_equal_its_own_counters(tmp_path: Path) -> None:
    watch = Stopwatch()
    with (
        stack.exporter(tmp_path, *UNSHED) as exporter,
        rabbitmq(tmp_path / "rabbitmq") as broker,
        far_away(tmp_path, broker.port) as far,
    ):
        asked = talk(far, watch, random.Random(SEED))
        waiting = -(-PUBLISHED // 7) - FETCHED + CONFIRMED
        consume(far, waiting)
        until(lambda: broker.own("delivered") >= waiting, 20, "RabbitMQ's counters are behind")
        own = {counter: broker.own(counter) for counter in COUNTERS}
        assert own == {
            "published": PUBLISHED + CONFIRMED,
            "delivered": waiting,
            "fetched": FETCHED,
            "declared": QUEUES,
        }
        requests_made = Counted(asked + own["published"], REFUSED, watch.median_seconds)

        def all_delivered(seen: Seen) -> bool:
            return seen.total("larimar_messages_total", operation="deliver") >= own["delivered"]

        known = Known("rabbitmq", "amqp", requests_made, far)
        seen = assert_agrees(exporter, broker.port, known, all_delivered)
    assert seen.by("operation", "larimar_messages_total", messaging_system="amqp") == {
        "publish": own["published"],
        "deliver": own["delivered"],
        "get": FETCHED,
    }
