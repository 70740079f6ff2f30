"""The facade over this machine's own /proc: processes and sockets that the test starts."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter.model import Endpoint
from exporter.services.view import HostView, Listener
from exporter.sources.host import Host
from exporter.sources.netlink import DiagSockets, local_addresses
from exporter.sources.procfshost import procfs_host
from exporter.sources.procnet import ProcNetSockets
from exporter.sources.sockets import Socket, SocketSource

LOOKS = 200
SERVER = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
"""
PARENT = """
import resource, subprocess, sys
BURN = "import time\\nend = time.process_time() + 0.5\\nwhile time.process_time() < end: pass"
def used():
    both = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(one.ru_utime + one.ru_stime for one in both)
before = used()
print("ready", flush=True)
sys.stdin.readline()
subprocess.run([sys.executable, "-c", BURN], check=True)
print(used() - before, flush=True)
sys.stdin.read()
"""

READER = """
import os
descriptor = os.open("/dev/zero", os.O_RDONLY)
os.write(1, b"ready\\n")
os.read(0, 3)
for _ in range(5000): os.read(descriptor, 1)
os.write(1, b"done\\n")
os.read(0, 1)
"""


@pytest.fixture
def host() -> Iterator[Host]:
    host = procfs_host()
    yield host
    host.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    script = tmp_path / "ticketing.py"
    script.write_text(SERVER)
    with subprocess.Popen(
        [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def read_port(server: subprocess.Popen[str]) -> int:
    assert server.stdout is not None
    return int(server.stdout.readline())


def look_until(host: Host, found: Callable[[HostView], object]) -> HostView:
    """Look at the host until something is found: one look has its limits where thousands of processes run."""
    for now in range(LOOKS):
        view = host.refresh(float(now))
        if found(view):
            return view
    pytest.fail(f"not found in {LOOKS} looks")


def test_a_socket_of_this_process_is_this_processs(host: Host) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = listener.accept()
            ends = Endpoint(*client.getsockname()), Endpoint(*client.getpeername())
            view = look_until(host, lambda view: view.service_of(*ends) and view.service_of(*reversed(ends)))
            accepted.close()

    own = view.processes[os.getpid()].service
    assert view.listeners[Listener("tcp", "127.0.0.1", port)] == own
    assert view.service_of(*ends) == own
    assert view.service_of(*reversed(ends)) == own


def test_a_server_that_starts_is_found_with_its_name(host: Host, server: subprocess.Popen[str]) -> None:
    host.refresh(0.0)
    port = read_port(server)

    view = look_until(host, lambda view: view.service_at(Endpoint("127.0.0.1", port)))

    assert view.processes[server.pid].service == "ticketing"
    assert view.service_at(Endpoint("127.0.0.1", port)) == "ticketing"
    assert view.services["ticketing"].runtime == "python"


def test_a_server_that_was_there_before_is_found(server: subprocess.Popen[str]) -> None:
    port = read_port(server)
    host = procfs_host()

    view = look_until(host, lambda view: view.service_at(Endpoint("127.0.0.1", port)))

    assert view.service_at(Endpoint("127.0.0.1", port)) == "ticketing"
    host.close()


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_both_sources_see_the_same_socket(family: socket.AddressFamily, kind: socket.SocketKind) -> None:
    if family == socket.AF_INET6 and not Path("/proc/net/if_inet6").exists():
        pytest.skip("this kernel has no IPv6")
    with socket.socket(family, kind) as bound:
        bound.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            bound.listen()
        inode = os.fstat(bound.fileno()).st_ino
        diag = DiagSockets()
        by_diag = [one for one in diag.read().sockets.values() if one.inode == inode]
        by_files = [one for one in ProcNetSockets(Path("/proc")).read().sockets.values() if one.inode == inode]
        diag.close()

    assert by_diag == by_files
    assert by_diag[0].listening
    assert by_diag[0].uid == os.getuid()


@pytest.mark.parametrize("source", [DiagSockets, lambda: ProcNetSockets(Path("/proc"))], ids=["diag", "files"])
def test_what_a_reading_changed_is_told(source: Callable[[], SocketSource]) -> None:
    following = source()
    known: dict[int, Socket] = {}
    opened: list[socket.socket] = []

    def follow() -> set[int]:
        """Apply what changed to what was known; return the inodes."""
        look = following.read()
        for key, one in look.gone.items():
            assert known.pop(key) is one
        known.update({key: look.sockets[key] for key in look.fresh})
        assert known == look.sockets
        return {one.inode for one in known.values()}

    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        follow()
        opened.append(socket.socket(socket.AF_INET, kind))
        opened[-1].bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            opened[-1].listen()
            opened.append(socket.create_connection(opened[-1].getsockname()))
            follow()  # a connection that nobody accepted has no inode yet
            opened.append(opened[-2].accept()[0])
        assert follow() >= {os.fstat(one.fileno()).st_ino for one in opened}
    inodes = {os.fstat(one.fileno()).st_ino for one in opened}
    for one in opened:
        one.close()

    assert not follow() & inodes
    following.close()


def test_the_loopback_address_is_local() -> None:
    assert "127.0.0.1" in local_addresses()


def test_the_time_of_a_child_that_ran_between_two_samples_counts(host: Host, tmp_path: Path) -> None:
    script = tmp_path / "burning.py"  # a service of its own: this process's one may have others at work
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdout.readline()
        before = host.sample(0.0)["burning"].counters
        parent.stdin.write("go\n")
        parent.stdin.flush()
        used = float(parent.stdout.readline())
        after = host.sample(1.0)["burning"].counters
        parent.kill()

    counted = after.growth(before)
    # The kernel counts user and system time of parent and child in hundredths each.
    assert (counted.user_nanoseconds + counted.system_nanoseconds) / 1e9 == pytest.approx(used, abs=0.05)


def test_every_read_of_a_process_is_counted(host: Host, tmp_path: Path) -> None:
    script = tmp_path / "reader.py"
    script.write_text(READER)
    with subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        reader.stdout.readline()
        for now in range(8):  # by then an idle process has been read in full
            host.sample(float(now))
        before = host.sample(8.0)["reader"].counters.read_calls
        reader.stdin.write(b"go\n")
        reader.stdin.flush()
        reader.stdout.readline()
        for now in range(9, 17):
            host.sample(float(now))
        after = host.sample(17.0)["reader"].counters.read_calls
        reader.kill()

    assert after - before == 5000 + 1  # and the one of the line that told it to go
