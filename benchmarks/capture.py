"""CPU nanoseconds per packet from a capture in memory to flows and their bytes, beside other tools.

    python -m benchmarks.capture [--json]

as root. The capture is recorded here from nginx, Redis and PostgreSQL over loopback, 256 bytes of each packet; for the
figure at many flows its connections are cloned. `larimar` decodes, follows the flows, recognises the protocol of each
by its first bytes and pairs requests and answers. dpkt and nfstream are the extra `bench`, tcpdump and tshark Debian's.
"""

import argparse
import gc
import io
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
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
from quickstart.debian import PackageError, obtain

REPEATS = 7
SLOW_REPEATS = 3
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


def per_packet(run: Callable[[], int]) -> float:
    """Return nanoseconds of CPU per packet; `run` returns the packets it read."""
    start = cpu_seconds()
    packets = run()
    return (cpu_seconds() - start) * 1e9 / packets


def medians(runs: Mapping[str, Callable[[], int]], repeats: int = REPEATS) -> dict[str, float]:
    """Return nanoseconds of CPU per packet by tool: the medians of runs by turns, so that all meet the same noise."""
    figures: dict[str, list[float]] = {tool: [] for tool in runs}
    for _ in range(repeats):
        for tool, run in runs.items():
            figures[tool].append(per_packet(run))
    return {tool: statistics.median(each) for tool, each in figures.items()}


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
    file = folder / "few.pcap"
    file.write_bytes(few)
    packets = sum(map(len, originals)) * COPIES
    many = many_flows(originals)
    gc.collect()
    gc.freeze()  # the recorded packets are the benchmark's: the engine's search for cycles ends before them
    dump = [str(tree.binary("tcpdump")), "-r", str(file), "-w", "/dev/null", "-Z", "root"]
    figures = medians(
        {
            "larimar": lambda: engine_run(few),
            "tcpdump": lambda: command_run(dump, tree.environment({}), packets),
            "larimar_100k_flows": lambda: engine_run(many),
        }
    )
    python, scapy = first(few, PYTHON_PACKETS), first(few, SCAPY_PACKETS)
    slow: dict[str, Callable[[], int]] = {"scapy": lambda: scapy_run(scapy)}
    if find_spec("dpkt"):
        slow["dpkt"] = lambda: dpkt_run(python)
    if find_spec("nfstream"):
        slow["nfstream"] = lambda: nfstream_run(file, packets)
    return figures | medians(slow, SLOW_REPEATS) | tshark(folder, few, packets)


def many_flows(originals: list[list[recording.Record]]) -> bytes:
    """Return a capture in which the first packets of very many connections come by turns."""
    running = list(recording.clones(originals, MANY_FLOWS, PACKETS_EACH))
    return recording.pcap(recording.interleaved(running, random.Random(1)), PER_SECOND)


def spread(originals: list[list[recording.Record]], copy: int) -> list[recording.Record]:
    """Return the recorded connections in random turns, from a client of their own."""
    clients = [recording.cloned(original, recording.FIRST_CLONE + copy) for original in originals]
    return list(recording.interleaved(clients, random.Random(copy)))


def tshark(folder: Path, few: bytes, packets: int) -> dict[str, float]:
    """Measure tshark, once, as it takes long."""
    part = folder / "part.pcap"
    part.write_bytes(first(few, TSHARK_PACKETS))
    try:
        sharks = obtain(("tshark",), recording.PACKAGES, os.environ)
    except PackageError as error:
        print(f"no tshark: {error}", file=sys.stderr)
        return {}
    fields = [word for field in FIELDS for word in ("-e", field)]
    shark = [str(sharks.binary("tshark")), "-r", str(part), "-T", "fields", *fields]
    return {"tshark": per_packet(lambda: command_run(shark, sharks.environment({}), min(packets, TSHARK_PACKETS)))}


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
