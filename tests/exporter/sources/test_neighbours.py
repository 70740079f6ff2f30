"""UDP sockets and Unix connections of services that the test starts, as this kernel tells of them."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.services.connects import WayKey
from exporter.sources.host import Host
from exporter.sources.procfshost import procfs_host
from exporter.sources.procnet import ProcNetSockets
from tests.live.support.namespace import chosen, outside, own_loopback

LOOKS = 60
SERVER = """
import socket, sys
with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
    listener.bind(sys.argv[1])
    listener.listen()
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    udp.bind(("127.0.0.1", 0))
    print(udp.getsockname()[1], flush=True)
    accepted, _ = listener.accept()
    accepted.recv(1)
"""
CLIENT = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(flush=True); s.recv(1)"


def started(folder: Path, name: str, code: str) -> "subprocess.Popen[str]":
    (folder / name).write_text(code)
    command = [sys.executable, str(folder / name), str(folder / "socket")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@dataclass
class Two:
    """Two services that talk, and what floods the server's UDP socket; it lives where they do."""

    client: str
    server: str
    pids: frozenset[int]
    sender: socket.socket

    def flood(self) -> None:
        for _ in range(200):
            self.sender.send(b"x" * 1000)


@contextmanager
def killed(process: "subprocess.Popen[str]") -> Iterator["subprocess.Popen[str]"]:
    """End the process however the test ends."""
    with process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def two_services(folder: Path, client: str = "booking", server: str = "ticketing") -> Iterator[Two]:
    """Run two services; tests that run side by side on one host give them names of their own."""
    with (
        killed(started(folder, f"{server}.py", SERVER)) as serving,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        assert serving.stdout is not None
        sender.connect(("127.0.0.1", int(serving.stdout.readline())))
        with killed(started(folder, f"{client}.py", CLIENT)) as asking:
            assert asking.stdout is not None
            asking.stdout.readline()
            yield Two(client, server, frozenset({serving.pid, asking.pid}), sender)


def hold(host: Host, two: Two) -> None:
    """Look until both are known, and see that what is told of them is so."""
    way = WayKey(two.client, two.server)
    for now in range(LOOKS):
        host.sample(float(now))
        if way in host.unix_edges() and two.server in host.udp():
            break
    dropped = host.udp()[two.server].dropped
    two.flood()
    host.sample(float(LOOKS))
    use = host.udp()[two.server]

    assert host.unix_edges()[way] == 1
    assert use.sockets == 1
    assert 150 < use.dropped - dropped <= 200


def test_unix_connections_and_udp_drops_of_services(tmp_path: Path) -> None:
    with closing(procfs_host()) as host, two_services(tmp_path, "lending", "library") as two:
        hold(host, two)


def test_the_same_of_services_in_a_network_namespace_of_their_own(tmp_path: Path) -> None:
    with own_loopback() as permitted:
        if not permitted:
            pytest.skip("no network namespace to be had: needs CAP_SYS_ADMIN")
        with two_services(tmp_path) as two, outside():
            proc = chosen(tmp_path / "proc", two.pids)  # others may run the same test
            with closing(procfs_host(proc, bpf=False)) as host:
                hold(host, two)


def test_without_sock_diag_the_drops_are_told(tmp_path: Path) -> None:
    with two_services(tmp_path, "cooking", "kitchen") as two:
        source = ProcNetSockets(Path("/proc"))
        before = source.others()
        two.flood()
        after = source.others()
    assert not after.unix
    assert sum(count - before.udp_dropped.get(inode, 0) for inode, count in after.udp_dropped.items()) > 150
