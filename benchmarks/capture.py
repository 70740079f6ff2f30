"""CPU nanoseconds per packet from a capture in memory to flows and their bytes, beside other tools.

Run as `python -m benchmarks.capture [--json]`. The capture is made here: connections of request and response with
their handshakes, interleaved. Tools that are not installed are left out and named.
"""

import argparse
import io
import json
import random
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from ipaddress import IPv4Address
from itertools import islice
from pathlib import Path

from exporter.model import Nanoseconds
from exporter.net.engine import Engine
from exporter.net.stream import End, Opener
from exporter.sources.pcapfile import feed

REPEATS = 5
FEW_FLOWS = 500
MANY_FLOWS = 100_000
PACKETS = 400_000
SCAPY_PACKETS = 4_000
PYTHON_PACKETS = 40_000
FIN, SYN, ACK, PSH = 1, 2, 16, 8


class Ignorant:
    """A consumer that is given every byte and does nothing."""

    def data(self, direction: int, payload: bytes, at: Nanoseconds) -> int:
        return 0

    def gap(self, direction: int, size_bytes: int, at: Nanoseconds) -> int:
        return 0

    def end(self, reason: End, at: Nanoseconds) -> None:
        pass


def connection(number: int, exchanges: int) -> Iterator[bytes]:
    """Yield the frames of one connection with `exchanges` requests and responses."""
    client = (IPv4Address(0x0A000000 + number // 40_000).packed, 20_000 + number % 40_000)
    server = (IPv4Address(0x0AFF0001).packed, 6379)
    asked, answered = 1000, 9000
    yield segment(client, server, asked, 0, SYN)
    yield segment(server, client, answered, asked + 1, SYN | ACK)
    asked, answered = asked + 1, answered + 1
    request, response = b"*2\r\n$3\r\nGET\r\n$5\r\nkey:1\r\n", b"$60\r\n" + b"v" * 60 + b"\r\n"
    for _ in range(exchanges):
        yield segment(client, server, asked, answered, PSH | ACK, request)
        asked += len(request)
        yield segment(server, client, answered, asked, PSH | ACK, response)
        answered += len(response)
    yield segment(client, server, asked, answered, FIN | ACK)
    yield segment(server, client, answered, asked + 1, FIN | ACK)


def segment(
    source: tuple[bytes, int], target: tuple[bytes, int], sequence: int, ack: int, flags: int, payload: bytes = b""
) -> bytes:
    """Return an Ethernet frame with one TCP segment, with the timestamp option's length of header."""
    header = struct.pack("!HHIIBBHHH", source[1], target[1], sequence, ack, 0x80, flags, 512, 0, 0) + b"\1" * 12
    length = 20 + len(header) + len(payload)
    packet = struct.pack("!BBHHHBBH", 0x45, 0, length, 0, 0x4000, 64, 6, 0) + source[0] + target[0]
    return bytes(12) + b"\x08\0" + packet + header + payload


def make_capture(flows: int, packets: int, seed: int = 1) -> bytes:
    """Return a classic pcap of about `packets` packets of `flows` connections at once, in random turns."""
    dice = random.Random(seed)
    exchanges = max(1, (packets // flows - 4) // 2)
    running = [connection(number, exchanges) for number in range(flows)]
    parts = [struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    for count, frame in enumerate(islice(interleaved(running, dice), packets)):
        parts.append(struct.pack("<IIII", 1_700_000_000 + count // 100_000, count * 10 % 1_000_000, *[len(frame)] * 2))
        parts.append(frame)
    return b"".join(parts)


def interleaved(running: list[Iterator[bytes]], dice: random.Random) -> Iterator[bytes]:
    """Yield the frames of all connections: each opens with its first request, then they take turns by chance."""
    for frames in running:
        yield from islice(frames, 3)
    while running:
        place = dice.randrange(len(running))
        frame = next(running[place], None)
        if frame is None:
            running[place] = running[-1]
            running.pop()
        else:
            yield frame


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


def engine_run(capture: bytes, opener: Opener) -> int:
    """Read the capture by the exporter's packet path; return the number of packets."""
    engine = Engine(opener)
    feed(io.BytesIO(capture), engine)
    counters = engine.counters()
    assert counters.flows_evicted == 0
    return counters.packets


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


def command_run(command: list[str], packets: int) -> int:
    """Run another program over the capture."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return packets


def measure() -> dict[str, float]:
    """Return nanoseconds per packet by tool."""
    few, many = make_capture(FEW_FLOWS, PACKETS), make_capture(MANY_FLOWS, 4 * PACKETS)
    small, tiny = make_capture(FEW_FLOWS, PYTHON_PACKETS), make_capture(FEW_FLOWS, SCAPY_PACKETS)
    figures = {
        "larimar": per_packet(lambda: engine_run(few, lambda _flow, _at: None)),
        "larimar_delivered": per_packet(lambda: engine_run(few, lambda _flow, _at: Ignorant())),
        "larimar_100k_flows": per_packet(lambda: engine_run(many, lambda _flow, _at: None)),
        "scapy": per_packet(lambda: scapy_run(tiny), 2),
    }
    if find_spec("dpkt"):
        figures["dpkt"] = per_packet(lambda: dpkt_run(small), 3)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "capture.pcap")
        file.write_bytes(few)
        if find_spec("nfstream"):
            figures["nfstream"] = per_packet(lambda: nfstream_run(file, PACKETS), 2)
        fields = [
            "-T",
            "fields",
            "-e",
            "ip.src",
            "-e",
            "ip.dst",
            "-e",
            "tcp.srcport",
            "-e",
            "tcp.dstport",
            "-e",
            "tcp.len",
        ]
        commands = {
            "tcpdump": ["tcpdump", "-r", str(file), "-w", "/dev/null"],
            "tshark": ["tshark", "-r", str(file), *fields],
        }
        for tool, command in commands.items():
            if shutil.which(tool):
                with suppress(subprocess.CalledProcessError):
                    figures[tool] = per_packet(lambda command=command: command_run(command, PACKETS), 3)  # type: ignore[misc]
    return figures


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = parser.parse_args().json
    figures = measure()
    if as_json:
        print(json.dumps({tool: {"ns_per_packet": round(value, 1)} for tool, value in figures.items()}))
        return 0
    for tool, value in sorted(figures.items(), key=lambda figure: figure[1]):
        print(f"{tool:20} {value:12,.0f} ns/packet {1e9 / value:14,.0f} packets/s")
    missing = {"dpkt", "nfstream", "tcpdump", "tshark"} - set(figures)
    if missing:
        print("not installed: " + ", ".join(sorted(missing)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
