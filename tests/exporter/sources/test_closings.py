"""Connections that come and go between two looks, on this machine's own loopback: every byte of them counts."""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from exporter.services.parties import Party
from exporter.services.transfers import Totals
from exporter.sources.closings import Closings
from exporter.sources.host import Host
from exporter.sources.procfshost import procfs_host
from tests.live.support.namespace import chosen

ASKED, ANSWERED = 300, 4000
QUIET_ROUNDS = 4
SERVER = f"""
import os, socket, sys
listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
print(listener.getsockname()[1], flush=True)
for _ in range(int(sys.argv[1]) - 1):
    if os.fork() == 0:
        break
answer = b"y" * {ANSWERED}
while True:
    served, _ = listener.accept()
    with served:
        while len(served.recv({ASKED}, socket.MSG_WAITALL)) == {ASKED}:
            served.sendall(answer)
"""
CLIENT = f"""
import os, socket, sys, time
port, workers, total, rate = (int(word) for word in sys.argv[1:])
question = b"x" * {ASKED}
held = socket.create_connection(("127.0.0.1", port))  # by which its owner becomes known
print("ready", flush=True)
sys.stdin.readline()
held.close()
print("gone", flush=True)
sys.stdin.readline()
begun = time.monotonic()

def work():
    for number in range(0, total, workers):
        time.sleep(max(0.0, begun + number / rate - time.monotonic()))
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(question)
            client.recv({ANSWERED}, socket.MSG_WAITALL)

children = []
for _ in range(workers - 1):
    children.append(os.fork())
    if not children[-1]:
        work()
        os._exit(0)
work()
for child in children:
    os.waitpid(child, 0)
print(time.monotonic() - begun, flush=True)
sys.stdin.readline()
"""


def heard_or_skip() -> Closings:
    try:
        return Closings()
    except OSError as error:
        pytest.skip(f"no notices of closed sockets: {error}")


@dataclass(frozen=True, slots=True)
class Load:
    """How many connections, how many per second, and by how many processes on either side."""

    connections: int
    rate: int
    workers: int = 1


class Shop:
    """A server of short connections and its client, each a service of its own."""

    def __init__(self, folder: Path, load: Load) -> None:
        server, client = folder / "ticketing.py", folder / "booking.py"
        server.write_text(SERVER)
        client.write_text(CLIENT)
        self.server = _started(server, load.workers)
        assert self.server.stdout is not None
        port = int(self.server.stdout.readline())
        self.client = _started(client, port, load.workers, load.connections, load.rate)
        self.hears()

    def say(self) -> None:
        assert self.client.stdin is not None
        self.client.stdin.write("go\n")
        self.client.stdin.flush()

    def hears(self) -> str:
        assert self.client.stdout is not None
        return str(self.client.stdout.readline()).strip()

    def is_done(self, seconds: float) -> bool:
        """Return whether the client said something; waits so long for it."""
        assert self.client.stdout is not None
        return bool(select.select([self.client.stdout], [], [], seconds)[0])

    def close(self) -> None:
        for one in (self.client, self.server):
            os.killpg(one.pid, signal.SIGKILL)
            one.communicate()


def _started(script: Path, *arguments: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(script), *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True)


@pytest.fixture
def host() -> Iterator[Host]:
    heard_or_skip().close()
    with closing(procfs_host()) as host:
        yield host


def totals(host: Host) -> dict[tuple[str, str], Totals]:
    found = host.transfers()
    return {(party.service_name, party.role.value): one for party, one in found.items() if is_shops(party)}


def is_shops(party: Party) -> bool:
    return party.service_name in ("ticketing", "booking")


def run(shop: Shop, host: Host) -> float:
    """Let the shop do its work, once it is known who it is; return how long it took, in seconds."""
    moments = (float(now) for now in count(1))
    # Their names are known at once, the owner of their connection maybe later: files are searched in small steps.
    while not totals(host).keys() >= {("ticketing", "server"), ("booking", "client")}:
        assert not shop.is_done(0.05)
        host.refresh(next(moments))
    shop.say()
    assert shop.hears() == "gone"
    host.refresh(next(moments))
    shop.say()
    rounds = 0
    while not shop.is_done(0.25):
        host.hear()
        rounds += 1
        if rounds % 4 == 0:
            host.refresh(next(moments))
    took = float(shop.hears())
    before, still = -1, 0
    while still < QUIET_ROUNDS:  # the kernel tells of ends in the background, late where it has much to do
        shop.is_done(0.25)
        host.refresh(next(moments))
        received = sum(one.received for one in totals(host).values())
        before, still = received, still + 1 if received == before else 0
    return took


def test_connections_that_no_look_saw_are_counted_to_the_byte(tmp_path: Path) -> None:
    heard_or_skip().close()
    with closing(Shop(tmp_path, Load(connections=300, rate=100_000))) as shop:
        # Others may run a shop of the same name meanwhile.
        proc = chosen(tmp_path / "proc", {shop.server.pid, shop.client.pid})
        with closing(procfs_host(proc, bpf=False)) as host:
            run(shop, host)
            found = totals(host)

    assert (found["ticketing", "server"].received, found["ticketing", "server"].sent) == (300 * ASKED, 300 * ANSWERED)
    assert (found["booking", "client"].sent, found["booking", "client"].received) == (300 * ASKED, 300 * ANSWERED)


@pytest.mark.long
def test_bytes_of_five_thousand_short_connections_per_second_are_right(host: Host, tmp_path: Path) -> None:
    load = Load(connections=75_000, rate=5000, workers=3)
    with closing(Shop(tmp_path, load)) as shop:
        took = run(shop, host)

    found = totals(host)
    asked, answered = load.connections * ASKED, load.connections * ANSWERED
    assert host.status().closings_lost == 0
    assert (found["ticketing", "server"].received, found["ticketing", "server"].sent) == pytest.approx(
        (asked, answered), rel=0.02
    )
    assert (found["booking", "client"].sent, found["booking", "client"].received) == pytest.approx(
        (asked, answered), rel=0.02
    )
    if took > 1.1 * load.connections / load.rate:
        pytest.skip(f"exact, but this machine made no more than {load.connections / took:.0f} connections per second")


def test_a_closed_socket_is_heard_of_with_its_ends_and_bytes() -> None:
    with closing(heard_or_skip()) as closings, socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = listener.accept()
            client.sendall(b"x" * 1000)
            client.close()  # first: the kernel may forget whoever closes first before the other's FIN reaches it
            assert len(accepted.recv(1001, socket.MSG_WAITALL)) == 1000
            accepted.close()
        heard: list[tuple[int, int]] = []
        while len(heard) < 2:
            about = [one for one in closings.take() if port in (one.local_port, one.remote_port)]
            heard += [(one.received, one.sent) for one in about]

    assert sorted(heard) == [(0, 1000), (1000, 0)]
