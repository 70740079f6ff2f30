"""How much of a packet to copy: `python -m benchmarks.snaplen [--seconds S] [--json]`; needs CAP_NET_RAW.

Real servers are put under load on loopback, once without a capture and once for each way of copying, and the whole path
is run in a process beside them, without a budget. Told are the bytes copied, the processor time, what the kernel
dropped, and how many of the messages that were sent were found. With `--seconds` the exporter is run instead, as it is
delivered and with as much processor time as it likes, each load goes on for so long, and told is what its page says.
"""

import argparse
import json
import multiprocessing
import os
import re
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from mmap import mmap
from multiprocessing.connection import Connection, wait
from pathlib import Path

from benchmarks.bulk import LOADS, Load, Running
from benchmarks.exporter import cpu_seconds as whole_cpu_seconds
from benchmarks.exporter import exporter, memory_bytes, read, sample
from exporter.app import DRAIN_SECONDS
from exporter.model import Exchange, Flow, Nanoseconds
from exporter.net.engine import Engine
from exporter.protocols import PROTOCOLS
from exporter.protocols.conversation import Conversations
from exporter.services.sampling import FOREVER
from exporter.sources.bpfring import BpfRing
from exporter.sources.capture import MOST_HEADERS_BYTES
from exporter.sources.classicfilter import WHOLE, Snap
from exporter.sources.filters import CLASSIC, EBPF, Filters
from exporter.sources.governed import WAITING_FULLNESS, look_after
from exporter.sources.interfaces import LINK_ETHERNET, Interface
from exporter.sources.ring import Ring
from exporter.sources.rings import PacketRing
from quickstart.debian import Tree, obtain
from tests.live.support.namespace import own_loopback

PACKAGES = Path(__file__).parents[1] / ".larimar" / "packages"
PROGRAMS = ("nginx", "redis-server", "redis-benchmark", "nats-server")
RING_BYTES = 5 << 20  # the share of one of two interfaces by default
MAX_FLOWS = 16_384
BLOCK_LENGTH = 20  # where a block's header tells how much of it is used
MOST_LOSS = 100.0  # as exporter/sources/governed.py takes packets for those that found no room
SETTLING_SECONDS = 0.2
PATIENCE_SECONDS = 8.0  # until the last slice is read, and connections are attributed
EXPORTERS = {"as delivered": (), "no budget": ("--capture.cpu-budget=64",)}


@dataclass(frozen=True, slots=True)
class Way:
    """How much is copied: by a packet's length alone, as was learnt of the server that sends or gets it, or by eBPF.

    That goes by what was learnt too, and by how much room there is and what of a body came before; where `writes`, it
    writes into a ring of its own.
    """

    snap: Snap
    learns: bool = False
    filters: str = CLASSIC
    writes: bool = False

    def open(self, interface: Interface, filters: Filters) -> PacketRing:
        """Return a ring that copies so much."""
        if self.writes:
            return BpfRing(interface, self.snap, RING_BYTES, filters)
        return Ring(interface, self.snap, RING_BYTES, packet_filter=filters.make())


WAYS = {
    "96": Way(Snap(96, 96)),
    "256": Way(Snap(256, 256)),
    "2048": Way(Snap(2048, 2048)),
    "9000, else 2048": Way(Snap(9000, 2048)),
    "32768, else 2048": Way(Snap(32_768, 2048)),
    "whole": Way(Snap(WHOLE, 2048)),
    "learnt": Way(Snap(WHOLE, 2048), learns=True),
    "ebpf": Way(Snap(WHOLE, 2048), learns=True, filters=EBPF),
    "bpf ring": Way(Snap(WHOLE, 2048), learns=True, filters=EBPF, writes=True),
}


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

    def block(
        self, memory: mmap, base: int, size: int, link: int, zone: int, since: int = 0, until: int = FOREVER
    ) -> int:
        """Read one block."""
        self.bytes += struct.unpack_from("=I", memory, base + BLOCK_LENGTH)[0]
        return self.engine.block(memory, base, size, link, zone, since, until)

    def entries(
        self,
        memory: mmap | bytes,
        at: int,
        end: int,
        shift: int,
        link: int,
        zone: int,
        since: int = 0,
        until: int = FOREVER,
    ) -> int:
        """Read some entries."""
        self.bytes += end - at
        return self.engine.entries(memory, at, end, shift, link, zone, since, until)

    def moment(self, memory: mmap, base: int, size: int, number: int) -> int:
        """Return when a packet was captured."""
        return self.engine.moment(memory, base, size, number)

    def resume(self, at: int) -> None:
        """Nothing was read for a while."""
        self.engine.resume(at)


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


def rest(control: Connection, ring: PacketRing) -> bool:
    """Wait until the ring is to be read, as the exporter does; return whether the load has ended."""
    began = time.monotonic()
    wait((control, ring.fileno()), DRAIN_SECONDS)
    while (passed := time.monotonic() - began) < DRAIN_SECONDS and (fullness := ring.fullness) < WAITING_FULLNESS:
        if control.poll(min(DRAIN_SECONDS - passed, look_after(passed, fullness))):
            break
    return control.poll()


def capture(way: Way, port: int, control: Connection) -> None:
    """Capture loopback until told to stop; runs in a process of its own."""
    counted = Counted(port)
    engine = Engine(Conversations(counted, PROTOCOLS), max_flows=MAX_FLOWS, datagrams=True)
    if way.learns:
        engine.learn(way.snap.head_bytes - MOST_HEADERS_BYTES)
    filled = Filled(engine)
    loopback = Interface("lo", socket.if_nametoindex("lo"), True, LINK_ETHERNET)
    filters = Filters(way.filters)
    with closing(filters), closing(way.open(loopback, filters)) as ring:
        control.send(None)
        before = time.process_time()
        fullness, last, known, ending = 0.0, ring.stats(), (engine.bodies(), engine.messages()), False
        while fullness or not ending:
            ending = rest(control, ring)
            now = ring.stats()
            offered, lost = now.packets - last.packets, now.dropped - last.dropped
            counted.weight = min(MOST_LOSS, offered / max(1, offered - lost)) if lost else 1.0
            if lost:
                engine.lost()
            engine.hurry(lost > 0)
            fullness, last = ring.drain(filled).fullness, now
            if (engine.bodies(), engine.messages()) != known:
                known = engine.bodies(), engine.messages()
                ring.tap.cut(replace(way.snap, bodies=known[0], messages=known[1]))
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


@dataclass(frozen=True, slots=True)
class Told:
    """What the exporter's page told of a load.

    Attributes:
        found: requests on the page for each one that was sent.
        error: the relative standard error that the page stated, at most while the load ran.
        cpu: processor time of the whole exporter, processors.
        rss_mb: its resident memory at the end, 10^6 bytes.
    """

    rate: float
    found: float
    error: float
    dropped: int
    cpu: float
    rss_mb: float


def watch(load: Load, tree: Tree, folder: Path, seconds: float) -> dict[str, Told]:
    """Return what each exporter told of the load."""
    server = load.start(tree, folder)
    with server.ending:
        return {name: told(load, tree, server.port, seconds, flags) for name, flags in EXPORTERS.items()}


def told(load: Load, tree: Tree, port: int, seconds: float, flags: tuple[str, ...]) -> Told:
    """Put the server under load beside an exporter."""
    with exporter(*flags) as (pid, url):
        sent, error = 0, 0.0
        load.run(tree, port)
        time.sleep(PATIENCE_SECONDS)
        before, spent, began = requests(read(f"{url}/metrics")), whole_cpu_seconds(pid), time.perf_counter()
        while time.perf_counter() < began + seconds:
            sent += load.run(tree, port)
        lasted, spent = time.perf_counter() - began, whole_cpu_seconds(pid) - spent
        error = sample(read(f"{url}/metrics"), "larimar_capture_sampling_error_ratio")
        time.sleep(PATIENCE_SECONDS)
        page = read(f"{url}/metrics")
        dropped = int(sample(page, "larimar_capture_packets_dropped_total"))
        found = (requests(page) - before) / sent
        return Told(sent / lasted, found, error, dropped, spent / lasted, memory_bytes(pid, "VmRSS") / 1e6)


def requests(page: str) -> float:
    """Return what all servers but the exporter were asked, by its own page."""
    lines = re.findall(r'^larimar_requests_total\{([^}]*role="server"[^}]*)\} (\S+)$', page, re.MULTILINE)
    return sum(float(value) for labels, value in lines if 'service_name="larimar' not in labels)


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seconds", type=float, default=0.0, help="watch by the exporter itself for so long")
    parser.add_argument("--load", action="append", choices=LOADS, help="only this one; may be repeated")
    arguments = parser.parse_args()
    tree = obtain(PROGRAMS, PACKAGES, os.environ)
    with own_loopback():  # where nobody else's packets pass
        found = measure_all(arguments, tree)
    if arguments.json:
        print(json.dumps(found))
    return 0


def measure_all(arguments: argparse.Namespace, tree: Tree) -> dict[str, dict[str, dict[str, float]]]:
    """Measure the loads that were asked for."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for number, name in enumerate(arguments.load or LOADS):
        with tempfile.TemporaryDirectory() as parent:
            folder = Path(parent) / str(number)
            rows: dict[str, Figures] | dict[str, Told] = (
                watch(LOADS[name], tree, folder, arguments.seconds)
                if arguments.seconds
                else measure(LOADS[name], tree, folder, WAYS)
            )
        found[name] = {way: asdict(figure) for way, figure in rows.items()}
        if not arguments.json:
            show(name, found[name])
    return found


def show(name: str, rows: Mapping[str, Mapping[str, float]]) -> None:
    """Print one load's table."""
    columns = next(iter(rows.values()))
    print(f"\n{name:30}" + "".join(f"{column:>12}" for column in columns))
    for way, row in rows.items():
        cells = (f"{value:12}" if isinstance(value, int) else f"{value:12.3f}" for value in row.values())
        print(f"  {way:28}" + "".join(cells), flush=True)


if __name__ == "__main__":
    sys.exit(main())
