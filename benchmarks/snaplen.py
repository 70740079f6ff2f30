"""How much of a packet to copy: `python -m benchmarks.snaplen [--json]`; needs CAP_NET_RAW.

Real servers are put under load on loopback, once without a capture and once for each way of copying, and the whole path
is run in a process beside them as the exporter runs it. Told are the bytes copied, the processor time, what the kernel
dropped, and how many of the messages that were sent were found.
"""

import argparse
import json
import multiprocessing
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from mmap import mmap
from multiprocessing.connection import Connection
from pathlib import Path

from exporter.model import Exchange, Flow, Nanoseconds
from exporter.net.engine import Engine
from exporter.protocols import PROTOCOLS
from exporter.protocols.conversation import Conversations
from exporter.sources import bpf
from exporter.sources.bpf import WHOLE, Snap
from exporter.sources.capture import MOST_HEADERS_BYTES
from exporter.sources.ebpf_load import TurnFilter
from exporter.sources.interfaces import LINK_ETHERNET, Interface
from exporter.sources.ring import Ring
from quickstart.debian import Tree, obtain
from tests.live.support import servers
from tests.live.support.nats import Client, nats

PACKAGES = Path(__file__).parents[1] / ".larimar" / "packages"
PROGRAMS = ("nginx", "redis-server", "redis-benchmark", "nats-server")
RING_BYTES = 5 << 20  # the share of one of two interfaces by default
WHOLE_TURN_BYTES = 65_536
MAX_FLOWS = 16_384
BLOCK_LENGTH = 20  # where a block's header tells how much of it is used
BUSY_FULLNESS, BUSY_SECONDS, QUIET_SECONDS = 0.25, 0.005, 0.05  # as exporter/app.py drains
MOST_LOSS = 100.0  # as exporter/sources/governed.py takes packets for those that found no room
SETTLING_SECONDS = 0.2
CLIENTS = 4


@dataclass(frozen=True, slots=True)
class Way:
    """How much is copied: by a packet's length alone, as was learnt of the server that sends or gets it, or by turns.

    By turns, eBPF has long packets copied whole that come first after the other side spoke.
    """

    snap: Snap
    learns: bool = False
    turns: bool = False


WAYS = {
    "96": Way(Snap(96, 96)),
    "256": Way(Snap(256, 256)),
    "2048": Way(Snap(2048, 2048)),
    "9000, else 2048": Way(Snap(9000, 2048)),
    "32768, else 2048": Way(Snap(32_768, 2048)),
    "whole": Way(Snap(WHOLE, 2048)),
    "learnt": Way(Snap(WHOLE, 2048), learns=True),
    "turns": Way(Snap(2048, 2048), turns=True),
}


@dataclass(frozen=True, slots=True)
class Load:
    """What is done to a server on loopback.

    Attributes:
        start: runs the server; gives its port and process.
        run: asks it; returns how many messages that made.
    """

    start: Callable[[Tree, Path], "Running"]
    run: Callable[[Tree, int], int]


class Running:
    """A server and how to end it."""

    def __init__(self, port: int, pid: int, ending: ExitStack) -> None:
        self.port = port
        self.pid = pid
        self.ending = ending


@dataclass(frozen=True, slots=True)
class Figures:
    """What one way of copying cost under one load.

    Attributes:
        seconds: that the load took.
        copied_mb: the ring's memory that was filled, 10^6 bytes.
        server_us: processor time of the server for each message.
        capture_us: the same of the capture; the kernel's part of it is within the servers' and clients'.
        packets: that passed the filter; `dropped` of them found no room.
        found: share of the messages.
        scaled: the same, each counted for the packets that it stands for when others found no room.
        whole: share of the messages of which the request was seen as well as the answer it asked for.
    """

    seconds: float
    server_us: float
    copied_mb: float = 0.0
    capture_us: float = 0.0
    packets: int = 0
    dropped: int = 0
    found: float = 0.0
    scaled: float = 0.0
    whole: float = 0.0


class Counted:
    """Counts the exchanges of one server, by whatever protocol."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.exchanges = self.whole = 0
        self.scaled = 0.0
        self.weight = 1.0

    def recognised(self, flow: Flow, protocol: str) -> "Counted":
        """Return where the exchanges of a connection go."""
        del protocol
        return self if self.port == flow.server.port else Counted(flow.server.port)

    def unparsable(self, flow: Flow, protocol: str) -> None:
        """Take note of nothing: what is not found shows."""

    def record(self, exchange: Exchange) -> None:
        """Count one exchange."""
        self.exchanges += 1
        self.scaled += self.weight
        self.whole += exchange.request is not None

    def close(self, at: Nanoseconds) -> None:
        """Do nothing: connections are not counted."""


class Filled:
    """Has blocks read, and adds up how much of them the kernel filled."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.bytes = 0

    def block(self, memory: mmap, base: int, size: int, link: int) -> int:
        """Read one block."""
        self.bytes += struct.unpack_from("=I", memory, base + BLOCK_LENGTH)[0]
        return self.engine.block(memory, base, size, link)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the capturing process tells at its end."""

    exchanges: int
    scaled: float
    whole: int
    copied: int
    cpu_seconds: float
    packets: int
    dropped: int


def capture(way: Way, port: int, control: Connection) -> None:
    """Capture loopback until told to stop; runs in a process of its own."""
    counted = Counted(port)
    engine = Engine(Conversations(counted, PROTOCOLS), max_flows=MAX_FLOWS, datagrams=True)
    if way.learns:
        engine.learn(way.snap.head_bytes - MOST_HEADERS_BYTES)
    filled = Filled(engine)
    loopback = Interface("lo", socket.if_nametoindex("lo"), True, LINK_ETHERNET)
    attach = TurnFilter(WHOLE_TURN_BYTES, way.snap.head_bytes, 14).attach if way.turns else bpf.attach
    with closing(Ring(loopback, way.snap, RING_BYTES, attach=attach)) as ring:
        control.send(None)
        before = time.process_time()
        fullness, last, known, ending = 0.0, ring.stats(), engine.bodies(), False
        while fullness or not ending:
            ending = control.poll(BUSY_SECONDS if fullness > BUSY_FULLNESS else QUIET_SECONDS)
            now = ring.stats()
            offered, lost = now.packets - last.packets, now.dropped - last.dropped
            counted.weight = min(MOST_LOSS, offered / max(1, offered - lost)) if lost else 1.0
            if lost:
                engine.lost()
            engine.hurry(lost > 0)
            fullness, last = ring.drain(filled).fullness, now
            if engine.bodies() != known:
                known = engine.bodies()
                ring.cut(replace(way.snap, bodies=known))
        spent = time.process_time() - before
        engine.close(time.time_ns())
        stats = ring.stats()
    control.send(
        Seen(counted.exchanges, counted.scaled, counted.whole, filled.bytes, spent, stats.packets, stats.dropped)
    )


@contextmanager
def capturing(way: Way, port: int) -> Iterator[list[Seen]]:
    """Capture meanwhile; what was seen is in the list afterwards."""
    seen: list[Seen] = []
    mine, its = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=capture, args=(way, port, its))
    process.start()
    try:
        mine.recv()
        yield seen
        time.sleep(SETTLING_SECONDS)
        mine.send(None)
        seen.append(mine.recv())
    finally:
        process.join(5)
        if process.is_alive():
            process.kill()


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and its children's, threads included."""
    spent = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        spent += int((task / "schedstat").read_text().split()[0])
        children = (task / "children").read_text().split()
        spent += sum(round(cpu_seconds(int(child)) * 1e9) for child in children)
    return spent / 1e9


def measure(load: Load, tree: Tree, folder: Path, ways: dict[str, Way]) -> dict[str, Figures]:
    """Return the figures of every way of copying, and of `none`."""
    server = load.start(tree, folder)
    with server.ending:
        load.run(tree, server.port)  # warm
        figures = {"none": once(load, tree, server, None)}
        return figures | {name: once(load, tree, server, way) for name, way in ways.items()}


def once(load: Load, tree: Tree, server: Running, way: Way | None) -> Figures:
    """Run the load, captured or not."""
    seen: list[Seen] = []
    with ExitStack() as around:
        if way is not None:
            seen = around.enter_context(capturing(way, server.port))
        before, began = cpu_seconds(server.pid), time.perf_counter()
        sent = load.run(tree, server.port)
        seconds = time.perf_counter() - began
        server_us = (cpu_seconds(server.pid) - before) * 1e6 / sent
    if not seen:
        return Figures(seconds, server_us)
    it = seen[0]
    capture_us = it.cpu_seconds * 1e6 / sent
    shares = (it.exchanges / sent, it.scaled / sent, it.whole / sent)
    return Figures(seconds, server_us, it.copied / 1e6, capture_us, it.packets, it.dropped, *shares)


def start_redis(tree: Tree, folder: Path) -> Running:
    """Run Redis."""
    ending = ExitStack()
    server = ending.enter_context(servers.redis(tree, folder))
    return Running(server.port, server.child.pid, ending)


def start_nginx(tree: Tree, folder: Path) -> Running:
    """Run nginx with a short answer and files of two sizes."""
    ending = ExitStack()
    server = ending.enter_context(
        servers.nginx(
            tree, folder, f'root {folder}; location = / {{ return 200 "a page"; }}', "access_log off; sendfile on;"
        )
    )
    for name, size in (("256k", 256 << 10), ("10m", 10 << 20)):
        (folder / name).write_bytes(os.urandom(size))
    folder.parent.chmod(0o755)  # nginx's workers are another user
    return Running(server.port, server.child.pid, ending)


def start_nats(tree: Tree, folder: Path) -> Running:
    """Run NATS; the tree is its own module's."""
    del tree
    ending = ExitStack()
    server = ending.enter_context(nats(folder))
    return Running(server.port, pid_of(server.port), ending)


def pid_of(port: int) -> int:
    """Return which child of this process listens on a port."""
    inode = next(
        line.split()[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()
        if f":{port:04X} 00000000:0000 0A" in line
    )
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            for descriptor in Path(f"/proc/{child}/fd").iterdir():
                if str(descriptor.readlink()) == f"socket:[{inode}]":
                    return int(child)
    raise LookupError(f"nobody listens on port {port}")


def ask_redis(requests: int, pipeline: int, command: str, size: int) -> Callable[[Tree, int], int]:
    """Return a load of redis-benchmark."""

    def run(tree: Tree, port: int) -> int:
        arguments = ["-p", str(port), "-n", str(requests), "-P", str(pipeline), "-t", command, "-d", str(size), "-q"]
        program = [str(tree.binary("redis-benchmark")), *arguments, "-c", str(CLIENTS)]
        subprocess.run(program, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **tree.environment({})})
        return requests

    return run


def ask_nginx(requests: int, path: str) -> Callable[[Tree, int], int]:
    """Return a load of requests, each after the answer to the one before."""

    def ask(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            buffer = bytearray(1 << 18)
            for _ in range(requests // CLIENTS):
                connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                got = connection.recv_into(buffer)
                head, _, body = bytes(buffer[:got]).partition(b"\r\n\r\n")
                left = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]) - len(body)
                while left:
                    left -= connection.recv_into(buffer)

    def run(tree: Tree, port: int) -> int:
        del tree
        side_by_side(lambda: ask(port))
        return requests // CLIENTS * CLIENTS

    return run


def side_by_side(act: Callable[[], None]) -> None:
    """Do the same in several threads."""
    threads = [threading.Thread(target=act) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def publish(messages: int, size: int, per_second: float) -> Callable[[Tree, int], int]:
    """Return a load that publishes to nobody, 64 KiB at a time."""
    batch = (1 << 16) // (size + 24)

    def run(tree: Tree, port: int) -> int:
        del tree
        with closing(Client(port)) as client:
            lines = b"".join(b"PUB orders.new %d\r\n" % size + b"x" * size + b"\r\n" for _ in range(batch))
            began = time.monotonic()
            for number in range(messages // batch):
                client.say(lines)
                time.sleep(max(0.0, began + number * batch / per_second - time.monotonic()))
            client.ping()
        return messages // batch * batch

    return run


LOADS = {
    "redis, one at a time": Load(start_redis, ask_redis(40_000, 1, "get", 3)),
    "redis, pipelines of 16": Load(start_redis, ask_redis(200_000, 16, "get", 3)),
    "redis, pipelines of 256": Load(start_redis, ask_redis(400_000, 256, "get", 3)),
    "redis, 256 sets of 200 bytes": Load(start_redis, ask_redis(400_000, 256, "set", 200)),
    "nginx, a line": Load(start_nginx, ask_nginx(12_000, "")),
    "nginx, 256 KiB": Load(start_nginx, ask_nginx(8_000, "256k")),
    "nginx, 10 MiB": Load(start_nginx, ask_nginx(200, "10m")),
    "nats, 128 bytes": Load(start_nats, publish(200_000, 128, 200_000)),
    "nats, without a pause": Load(start_nats, publish(400_000, 128, 1e9)),
}


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--load", action="append", choices=LOADS, help="only this one; may be repeated")
    arguments = parser.parse_args()
    tree = obtain(PROGRAMS, PACKAGES, os.environ)
    told = {}
    for number, name in enumerate(arguments.load or LOADS):
        with tempfile.TemporaryDirectory() as folder:
            figures = measure(LOADS[name], tree, Path(folder) / str(number), WAYS)
        told[name] = {way: asdict(figure) for way, figure in figures.items()}
        if not arguments.json:
            show(name, figures)
    if arguments.json:
        print(json.dumps(told))
    return 0


def show(name: str, figures: dict[str, Figures]) -> None:
    """Print one load's table."""
    columns = ("seconds", "MB", "server us", "capture us", "packets", "dropped", "found", "scaled", "whole")
    print(f"\n{name}\n{'copied':18}" + "".join(f"{column:>11}" for column in columns))
    for way, it in figures.items():
        print(
            f"{way:18}{it.seconds:11.2f}{it.copied_mb:11.1f}{it.server_us:11.2f}{it.capture_us:11.3f}"
            f"{it.packets:11}{it.dropped:11}{it.found:11.1%}{it.scaled:11.1%}{it.whole:11.1%}",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
