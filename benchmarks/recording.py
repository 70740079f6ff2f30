"""A capture of real servers under load, and clones of its connections."""

import http.client
import os
import random
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from quickstart.debian import Tree, obtain
from tests.live.support import servers

PACKAGES = Path(__file__).parents[1] / ".larimar" / "packages"
PROGRAMS = ("nginx", "redis-server", "redis-benchmark", "postgres", "initdb", "pgbench", "tcpdump")
HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
SNAP_BYTES = 256
REDIS_REQUESTS, POSTGRES_TRANSACTIONS, PAGES = 60_000, 12_000, 24_000
CONNECTIONS = 8
READS = ("-S", "-c", str(CONNECTIONS), "-t", str(POSTGRES_TRANSACTIONS // CONNECTIONS))  # of pgbench
PAGE = 'location / { return 200 "a page of some length"; }'
SETTLING_SECONDS = 1.0
FIRST_CLONE = 0x0A000001  # 10.0.0.1
ROUNDS_PER_SECOND = 10_000


@dataclass(frozen=True, slots=True)
class Record:
    """One captured packet of IPv4 over Ethernet.

    Attributes:
        frame: the captured bytes.
        wire: its length on the wire.
        to_server: whether the client sent it.
    """

    frame: bytes
    wire: int
    to_server: bool


def programs() -> Tree:
    """Return where the servers, their loads and tcpdump are."""
    return obtain(PROGRAMS, PACKAGES, os.environ)


def record(tree: Tree, folder: Path) -> bytes:
    """Return a classic pcap of nginx, Redis and PostgreSQL under load at once over loopback; needs CAP_NET_RAW."""
    with ExitStack() as running:
        nginx = running.enter_context(servers.nginx(tree, folder / "nginx", PAGE, "access_log off;"))
        redis = running.enter_context(servers.redis(tree, folder / "redis"))
        postgres = running.enter_context(servers.postgresql(tree, folder / "postgres"))
        _pgbench(tree, postgres.port, "--initialize", "--quiet")
        file = folder / "mixed.pcap"
        ports = " or ".join(f"port {server.port}" for server in (nginx, redis, postgres))
        dump = [str(tree.binary("tcpdump")), "-i", "lo", "-Q", "in", "-s", str(SNAP_BYTES), "-B", "32768", "-Z", "root"]
        dumping = subprocess.Popen(
            [*dump, "-w", str(file), ports],
            stderr=subprocess.PIPE,
            env={**os.environ, **tree.environment({})},
        )
        assert dumping.stderr is not None
        dumping.stderr.readline()  # it listens from now on
        loads = [
            threading.Thread(target=_load_redis, args=(tree, redis.port)),
            threading.Thread(target=_load_nginx, args=(nginx.port,)),
            threading.Thread(target=_pgbench, args=(tree, postgres.port, *READS)),
        ]
        for load in loads:
            load.start()
        for load in loads:
            load.join()
        time.sleep(SETTLING_SECONDS)
        dumping.send_signal(signal.SIGINT)
        dumping.communicate()
        return file.read_bytes()


def _load_redis(tree: Tree, port: int) -> None:
    command = [
        *(str(tree.binary("redis-benchmark")), "-p", str(port)),
        *("-n", str(REDIS_REQUESTS // 2), "-t", "get,set", "-q"),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **tree.environment({})})


def _load_nginx(port: int) -> None:
    def get() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for _ in range(PAGES // CONNECTIONS):
            connection.request("GET", "/")
            connection.getresponse().read()
        connection.close()

    clients = [threading.Thread(target=get) for _ in range(CONNECTIONS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()


def _pgbench(tree: Tree, port: int, *arguments: str) -> None:
    command = [str(tree.binary("pgbench")), "-h", "127.0.0.1", "-p", str(port), "-U", "tester", *arguments, "postgres"]
    environment = {**os.environ, **tree.environment({}), "PGSSLMODE": "disable", "PGGSSENCMODE": "disable"}
    subprocess.run(command, check=True, capture_output=True, env=environment)


def connections(capture: bytes) -> list[list[Record]]:
    """Return the packets of each connection whose SYN was captured, in order."""
    found: dict[tuple[bytes, bytes], list[Record]] = {}
    at = len(HEADER)
    while at + 16 <= len(capture):
        captured, wire = struct.unpack_from("<II", capture, at + 8)
        frame = capture[at + 16 : at + 16 + captured]
        at += 16 + captured
        source, target = frame[34:36], frame[36:38]
        if frame[47] & 0x12 == 2:  # SYN without ACK
            found[source, target] = []
        if (source, target) in found:
            found[source, target].append(Record(frame, wire, True))
        elif (target, source) in found:
            found[target, source].append(Record(frame, wire, False))
    return list(found.values())


def cloned(packets: Sequence[Record], client: int) -> list[Record]:
    """Return a connection's packets as if the client had another IPv4 address."""
    address = client.to_bytes(4, "big")
    return [
        replace(
            packet,
            frame=packet.frame[: 26 if packet.to_server else 30]
            + address
            + packet.frame[30 if packet.to_server else 34 :],
        )
        for packet in packets
    ]


def clones(originals: Sequence[Sequence[Record]], flows: int, packets_each: int) -> Iterator[list[Record]]:
    """Yield the first packets of so many connections: the originals again and again, from ever other clients."""
    kept = [original[:packets_each] for original in originals if len(original) >= packets_each]
    for number in range(flows):
        yield cloned(kept[number % len(kept)], FIRST_CLONE + number // len(kept))


def interleaved(running: list[list[Record]], dice: random.Random) -> Iterator[Record]:
    """Yield the packets of all connections: each opens, then they take turns by chance."""
    places = [4] * len(running)
    for packets in running:
        yield from packets[:4]
    turns = [number for number, packets in enumerate(running) for _ in packets[4:]]
    dice.shuffle(turns)
    for number in turns:
        yield running[number][places[number]]
        places[number] += 1


def pcap(packets: Iterator[Record], per_second: int) -> bytes:
    """Return a classic pcap of the packets, so many a second."""
    out = bytearray(HEADER)
    for count, packet in enumerate(packets):
        seconds, rest = divmod(count, per_second)
        out += struct.pack(
            "<IIII", 1_700_000_000 + seconds, rest * 1_000_000 // per_second, len(packet.frame), packet.wire
        )
        out += packet.frame
    return bytes(out)
