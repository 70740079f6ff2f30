"""ZooKeeper: nodes made, read and deleted by a real client, by `mntr`."""

import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from tests.live.support import packages, stack
from tests.live.support.agreement import Known, assert_agrees
from tests.live.support.counted import Counted
from tests.live.support.distance import far_away
from tests.live.support.processes import Command, free_port, running
from tests.live.support.seen import UNSHED
from tests.live.support.stopwatch import Stopwatch

pytestmark = [pytest.mark.long, pytest.mark.timeout(240), pytest.mark.usefixtures("capturing")]
NODES, REFUSED = 150, 15
CONFIGURATION = """\
tickTime=2000
dataDir={folder}/data
clientPort={port}
clientPortAddress=127.0.0.1
admin.enableServer=false
4lw.commands.whitelist=mntr
"""


@contextmanager
def zookeeper(folder: Path) -> Iterator[int]:
    """Run a server of its own, without an ensemble."""
    tree = packages.with_package("zookeeper")
    folder.mkdir()
    port = free_port()
    (folder / "zoo.cfg").write_text(CONFIGURATION.format(folder=folder, port=port))
    # What the machine has already is not unpacked.
    classes = f"{tree.root}/usr/share/java/*:/usr/share/java/*"
    main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
    command = Command(
        (tree.binary("java"), "-Xmx200m", "-cp", classes, main, folder / "zoo.cfg"),
        folder / "zookeeper.log",
        tree.environment({}),
    )
    with running(command, lambda: "zk_packets_received" in figures(port)):
        yield port


def figures(port: int) -> dict[str, str]:
    """Return what `mntr` tells; nothing where nobody answers yet."""
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as connection, connection.makefile() as answer:
            connection.sendall(b"mntr")
            return dict(line.rstrip("\n").partition("\t")[::2] for line in answer)
    except OSError:
        return {}


def talk(port: int, watch: Stopwatch) -> None:
    client = KazooClient(f"127.0.0.1:{port}")
    client.start(timeout=30)
    client.ensure_path("/shop")
    for number in range(NODES):
        with watch.lap():
            client.create(f"/shop/order-{number}", b"x" * 500)
        with watch.lap():
            client.set(f"/shop/order-{number}", b"y" * 900)
        with watch.lap():
            client.get(f"/shop/order-{number}")
    for number in range(REFUSED):
        with contextlib.suppress(NoNodeError):
            client.get(f"/shop/nowhere-{number}")
        client.exists(f"/shop/nowhere-{number}")
    for number in range(NODES):
        with watch.lap():
            client.delete(f"/shop/order-{number}")
    client.stop()
    client.close()


def test_requests_equal_mntr(tmp_path: Path) -> None:
    watch = Stopwatch()
    with (
        stack.exporter(tmp_path, *UNSHED) as exporter,
        zookeeper(tmp_path / "zookeeper") as port,
        far_away(tmp_path, port) as far,
    ):
        before = int(figures(port)["zk_packets_received"])
        talk(far, watch)
        # The word `mntr` itself counts as a packet.
        received = int(figures(port)["zk_packets_received"]) - before - 1
        own = Counted(received, REFUSED, watch.median_seconds)
        assert_agrees(exporter, port, Known("zookeeper", "zookeeper", own, far))
