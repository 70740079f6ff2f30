"""The cost of looking at TCP sockets: `python -m benchmarks.sockets`, beside ss and psutil in the same run.

Opens connections within this host, in some processes that exchange a few bytes, and has one in a hundred of them closed
and opened again between two looks. By turns it looks with the exporter (sockets, what TCP knows of each, owners, bytes
per service and edge), with `ss -tnpi` and with psutil, and prints CPU milliseconds per look, medians. Then it times the
notices of closed sockets alone. Everything is ended afterwards.
"""

import argparse
import json
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil

from exporter.services.holdings import Holdings
from exporter.services.transfers import Ledger
from exporter.services.view import HostView
from exporter.sources.closings import Closings
from exporter.sources.following import SocketFollower
from exporter.sources.netlink import DiagSockets, local_addresses
from exporter.sources.owners import SocketOwners

PROC = Path("/proc")
MOST_OF_A_PROCESS = 5000
CHURN_ONE_IN = 100
CLOSED = 5000
HOLD = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0), backlog=1024)

def pair():
    client = socket.create_connection(listener.getsockname())
    accepted, _ = listener.accept()
    client.sendall(b"x" * 100)
    return client, accepted

held = [pair() for _ in range(int(sys.argv[1]))]
print("ready", flush=True)
for number, line in enumerate(sys.stdin):
    for index in range(number % int(line), len(held), int(line)):
        for end in held[index]:
            end.close()
        held[index] = pair()
    print("ready", flush=True)
"""

Look = Callable[[], float]
"""Looks once; returns the CPU milliseconds that it took."""


class Holders:
    """Processes with connections among themselves: so many ends of connections in all."""

    def __init__(self, sockets: int) -> None:
        self._processes: list[subprocess.Popen[str]] = []
        left = sockets // 2
        while left:
            some = min(left, MOST_OF_A_PROCESS // 2)
            left -= some
            command = [sys.executable, "-c", HOLD, str(some)]
            pipe = subprocess.PIPE
            self._processes.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))
        self._await()

    def churn(self) -> None:
        """Close some connections and open as many."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(f"{CHURN_ONE_IN}\n")
            process.stdin.flush()
        self._await()

    def close(self) -> None:
        """End them."""
        for process in self._processes:
            process.kill()
            process.communicate()

    def _await(self) -> None:
        for process in self._processes:
            assert process.stdout is not None
            process.stdout.readline()


@contextmanager
def larimar() -> Iterator[Look]:
    """Look as the exporter does; each process is a service."""
    owners, holdings, ledger = SocketOwners(PROC), Holdings(), Ledger()
    follower = SocketFollower(DiagSockets(), Closings(), local_addresses, ledger)

    def look() -> float:
        begun, now = time.process_time(), time.monotonic()
        follower.read(now)
        pids = set(psutil.pids())
        found = owners.follow(follower.came, follower.left, pids, now)
        touched = holdings.update(found, owners.changes(), {pid: str(pid) for pid in owners.holders})
        index = follower.attribute(holdings.services, touched)
        view = HostView(
            listeners=index.listeners, connections=index.connections, local_addresses=follower.local_addresses
        )
        follower.count(view, now)
        ledger.totals([follower.transfers])
        return (time.process_time() - begun) * 1000

    with closing(follower):
        yield look


def ss() -> float:
    """Look with ss from iproute2, its processes and what TCP knows included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["ss", "-tnpi"], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def by_psutil() -> float:
    """Look with psutil, which does not tell what TCP knows."""
    begun = time.process_time()
    psutil.net_connections("tcp")
    return (time.process_time() - begun) * 1000


def measure(sockets: int, rounds: int) -> dict[str, float]:
    """Return the median CPU milliseconds of a look with each tool."""
    with closing(Holders(sockets)) as holders, larimar() as look:
        tools: dict[str, Look] = {"larimar": look, "psutil": by_psutil}
        if shutil.which("ss"):
            tools["ss"] = ss
        for _ in range(5):  # the owners are found in small steps
            look()
        taken: dict[str, list[float]] = {name: [] for name in tools}
        for _ in range(rounds):
            for name, tool in tools.items():
                holders.churn()
                taken[name].append(tool())
    return {name: round(statistics.median(values), 2) for name, values in taken.items()}


def microseconds_per_notice() -> float:
    """Return what it costs to hear of a closed socket."""
    with closing(Closings()) as closings, socket.create_server(("127.0.0.1", 0)) as listener:
        for _ in range(CLOSED):
            with socket.create_connection(listener.getsockname()) as client:
                listener.accept()[0].close()
                client.recv(1)
        begun = time.process_time()
        heard = len(closings.take())
        return round((time.process_time() - begun) / heard * 1e6, 2)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, nargs="+", default=[5000, 20_000])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    results: dict[str, dict[str, float]] = {}
    for sockets in options.sockets:
        for name, milliseconds in measure(sockets, options.rounds).items():
            results.setdefault(name, {})[str(sockets)] = milliseconds
    notice = microseconds_per_notice()
    if options.json:
        figures = {name: {"cpu_ms_per_look": by_size} for name, by_size in results.items()}
        print(json.dumps({**figures, "notices": {"us_each": notice}}))
        return 0
    print(f"{'CPU ms per look':18s}" + "".join(f"{size:>10d}" for size in options.sockets))
    for name, by_size in results.items():
        print(f"{name:18s}" + "".join(f"{value:10.1f}" for value in by_size.values()))
    print(f"{notice} us for each notice of a closed socket")
    return 0


if __name__ == "__main__":
    sys.exit(main())
