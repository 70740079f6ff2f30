"""CPU nanoseconds per packet from a capture in memory to flows and their bytes, beside other tools.

    python -m benchmarks.capture [--json]

as root. The capture is recorded here from nginx, Redis and PostgreSQL over loopback, 256 bytes of each packet; for the
figure at many flows its connections are cloned. `larimar` decodes, follows the flows, recognises the protocol of each
by its first bytes and pairs requests and answers. dpkt and nfstream are the extra `bench`, tcpdump and tshark Debian's.
"""

import argparse
import io
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # its idle threads would count as work

import numpy as np

from benchmarks import recording
from exporter.model import Flow, Nanoseconds
from exporter.net.engine import Engine
from exporter.net.stream import TURN_WORDS
from exporter.protocols import PROTOCOLS
from exporter.protocols.outline import Outlines
from exporter.sources.pcapfile import feed
from quickstart.debian import PackageError, Tree, obtain

REPEATS = 5
COPIES = 4  # of the recorded capture: the start of other programs must not count
MANY_FLOWS = 100_000
PACKETS_EACH = 24
SCAPY_PACKETS = 4_000
PYTHON_PACKETS = 40_000
TSHARK_PACKETS = 100_000
PER_SECOND = 100_000
FIELDS = ("ip.src", "ip.dst", "tcp.srcport", "tcp.dstport", "tcp.len")
PEERS = ("dpkt", "nfstream", "scapy", "tshark", "tcpdump")


class Ledger:
    """Counts and times the turns of each protocol."""

    def __init__(self) -> None:
        self.tokens: dict[str, int] = {}
        self.flows: Counter[str] = Counter()
        self.counts = np.zeros(64, dtype=np.int64)
        self.durations = np.zeros(64)

    def recognised(self, flow: Flow, protocol: str) -> int:
        """Return the protocol's number."""
        self.flows[protocol] += 1
        return self.tokens.setdefault(protocol, len(self.tokens))

    def turns(self, rows: memoryview) -> None:
        """Add up."""
        table = np.frombuffer(rows, dtype=np.uint64).reshape(-1, TURN_WORDS)
        tokens = table[:, 0].astype(np.int64)
        self.counts += np.bincount(tokens, minlength=64)
        spans = np.where(table[:, 2] >= table[:, 1], table[:, 2] - table[:, 1], 0)
        self.durations += np.bincount(tokens, weights=spans, minlength=64)

    def ended(self, token: int, at: Nanoseconds) -> None:
        """Nothing is kept of a connection."""

    def exchanges(self) -> dict[str, int]:
        """Return how many turns each protocol had."""
        return {name: int(self.counts[token]) for name, token in self.tokens.items()}


def per_packet(run: Callable[[], int], repeats: int = REPEATS) -> float:
    """Return the best of several runs, in nanoseconds of CPU per packet; `run` returns the packets it read."""
    best = float("inf")
    for _ in range(repeats):
        start = cpu_seconds()
        packets = run()
        best = min(best, (cpu_seconds() - start) * 1e9 / packets)
    return best


def cpu_seconds() -> float:
    """Return the CPU time of this process and of those that it has waited for: others on the machine do not count."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def engine_run(capture: bytes) -> int:
    """Read the capture by the exporter's packet path; return the number of packets."""
    ledger = Ledger()
    engine = Engine(Outlines(ledger, PROTOCOLS), turns=ledger.turns)
    feed(io.BytesIO(capture), engine)
    engine.flush()
    counters = engine.counters()
    check(ledger, counters.flows_evicted + counters.consumers_failed)
    return counters.packets


def check(ledger: Ledger, lost: int) -> None:
    """See to it that the work was done: three protocols known, none mistaken, their requests paired.

    Raises:
        RuntimeError: it was not.
    """
    exchanges = ledger.exchanges()
    if lost or not {"http", "redis", "postgresql"} <= set(exchanges) or not all(exchanges.values()):
        raise RuntimeError(f"not all was found: {lost} lost, {dict(ledger.flows)} flows, {exchanges} exchanges")


def dpkt_run(capture: bytes) -> int:
    """Decode and count flows with dpkt."""
    dpkt = import_module("dpkt")
    flows: dict[object, int] = {}
    packets = 0
    for _, data in dpkt.pcap.Reader(io.BytesIO(capture)):
        packets += 1
        packet = dpkt.ethernet.Ethernet(data).data
        key = (packet.src, packet.dst, packet.data.sport, packet.data.dport)
        flows[key] = flows.get(key, 0) + len(packet.data.data)
    return packets


def scapy_run(capture: bytes) -> int:
    """Decode and count flows with scapy."""
    inet, utils = import_module("scapy.layers.inet"), import_module("scapy.utils")
    flows: dict[object, int] = {}
    packets = 0
    for packet in utils.PcapReader(io.BytesIO(capture)):
        packets += 1
        ip, tcp = packet[inet.IP], packet[inet.TCP]
        key = (ip.src, ip.dst, tcp.sport, tcp.dport)
        flows[key] = flows.get(key, 0) + len(tcp.payload)
    return packets


def nfstream_run(file: Path, packets: int) -> int:
    """Read the flows with nfstream."""
    for _ in import_module("nfstream").NFStreamer(source=str(file), n_meters=1, statistical_analysis=False):
        pass
    return packets


def command_run(command: list[str], environment: dict[str, str], packets: int) -> int:
    """Run another program over the capture."""
    subprocess.run(
        command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environment}
    )
    return packets


def first(capture: bytes, packets: int) -> bytes:
    """Return the first packets of a capture."""
    at = 24
    for _ in range(packets):
        if at + 16 > len(capture):
            break
        at += 16 + int.from_bytes(capture[at + 8 : at + 12], "little")
    return capture[:at]


def measure(folder: Path) -> dict[str, float]:
    """Return nanoseconds per packet by tool."""
    tree = recording.programs()
    originals = recording.connections(recording.record(tree, folder))
    few = recording.pcap(
        (packet for copy in range(COPIES) for packet in spread(originals, copy)),
        PER_SECOND,
    )
    figures = {
        "larimar": per_packet(lambda: engine_run(few)),
        "larimar_100k_flows": many_flows(originals),
    }
    python, scapy = first(few, PYTHON_PACKETS), first(few, SCAPY_PACKETS)
    if find_spec("dpkt"):
        figures["dpkt"] = per_packet(lambda: dpkt_run(python), 3)
    file = folder / "few.pcap"
    file.write_bytes(few)
    packets = sum(map(len, originals)) * COPIES
    if find_spec("nfstream"):
        figures["nfstream"] = per_packet(lambda: nfstream_run(file, packets), 2)
    figures["scapy"] = per_packet(lambda: scapy_run(scapy), 2)
    figures.update(programs(tree, folder, few, packets))
    return figures


def many_flows(originals: list[list[recording.Record]]) -> float:
    """Return nanoseconds per packet where the first packets of very many connections come by turns."""
    running = list(recording.clones(originals, MANY_FLOWS, PACKETS_EACH))
    capture = recording.pcap(recording.interleaved(running, random.Random(1)), PER_SECOND)
    return per_packet(lambda: engine_run(capture), 3)


def spread(originals: list[list[recording.Record]], copy: int) -> list[recording.Record]:
    """Return the recorded connections in random turns, from a client of their own."""
    clients = [recording.cloned(original, recording.FIRST_CLONE + copy) for original in originals]
    return list(recording.interleaved(clients, random.Random(copy)))


def programs(tree: Tree, folder: Path, few: bytes, packets: int) -> dict[str, float]:
    """Measure tcpdump and tshark."""
    part = folder / "part.pcap"
    part.write_bytes(first(few, TSHARK_PACKETS))
    dump = [str(tree.binary("tcpdump")), "-r", str(folder / "few.pcap"), "-w", "/dev/null", "-Z", "root"]
    figures = {"tcpdump": per_packet(lambda: command_run(dump, tree.environment({}), packets))}
    try:
        sharks = obtain(("tshark",), recording.PACKAGES, os.environ)
    except PackageError as error:
        print(f"no tshark: {error}", file=sys.stderr)
        return figures
    fields = [word for field in FIELDS for word in ("-e", field)]
    shark = [str(sharks.binary("tshark")), "-r", str(part), "-T", "fields", *fields]
    figures["tshark"] = per_packet(lambda: command_run(shark, sharks.environment({}), min(packets, TSHARK_PACKETS)), 1)
    return figures


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder))
    for absent in sorted(set(PEERS) - set(figures)):
        print(f"absent: {absent}", file=sys.stderr)
    if as_json:
        print(json.dumps({tool: {"ns_per_packet": round(value, 1)} for tool, value in figures.items()}))
        return 0
    for tool, value in sorted(figures.items(), key=lambda figure: figure[1]):
        times = value / figures["larimar"]
        print(f"{tool:20} {value:12,.0f} ns/packet {1e9 / value:14,.0f} packets/s {times:9,.1f} times larimar")
    return 0


if __name__ == "__main__":
    sys.exit(main())
