"""What psutil tells of real processes is what /proc tells of them."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from exporter.model import Endpoint
from exporter.services.resources import ServiceResources
from exporter.services.view import HostView, Listener
from exporter.sources.host import Host
from exporter.sources.hosts import by_procfs
from exporter.sources.portable.host import portable_host
from exporter.sources.portable.lives import Lives
from exporter.sources.portable.processes import path, without_blanks
from exporter.sources.portable.sockets import PortableSockets, plain
from exporter.sources.procfshost import procfs_host

LOOKS = 50
MEGABYTES = 64
BURN = 0.3  # seconds of CPU
TICKETING = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(("127.0.0.1", 0))
print(listener.getsockname()[1], datagrams.getsockname()[1], flush=True)
accepted, _ = listener.accept()
sys.stdin.read()
"""
TILL = """
import socket, sys, time
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as client:
    kept = b"x" * (int(sys.argv[2]) << 20)
    print(client.getsockname()[1], flush=True)
    sys.stdin.readline()
    open(__file__, "rb").read()
    end = time.process_time() + float(sys.argv[3])
    while time.process_time() < end:
        pass
    print("burnt", flush=True)
    sys.stdin.read()
"""


class Shop:
    """A server and its client: scripts of their own, so that nobody else's processes have their names."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self._folder, self._running = folder, running
        self.ticketing = self._start("ticketing.py", TICKETING)
        self.port, self.udp_port = map(int, self.say(self.ticketing).split())
        self.till = self._start("till.py", TILL, str(self.port), str(MEGABYTES), str(BURN))
        client_port = int(self.say(self.till))
        self.ends = Endpoint("127.0.0.1", client_port), Endpoint("127.0.0.1", self.port)

    def burn(self) -> None:
        """Have the client compute."""
        assert self.till.stdin is not None
        self.till.stdin.write("go\n")
        self.till.stdin.flush()
        assert self.say(self.till) == "burnt"

    def say(self, process: subprocess.Popen[str]) -> str:
        """Return a line that a process says."""
        assert process.stdout is not None
        return process.stdout.readline().strip()

    def _start(self, name: str, script: str, *arguments: str) -> subprocess.Popen[str]:
        file = self._folder / name
        file.write_text(script)
        pipe = subprocess.PIPE
        command = [sys.executable, str(file), *arguments]
        process = self._running.enter_context(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))
        self._running.callback(process.kill)
        return process


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with ExitStack() as running:
        yield Shop(tmp_path, running)


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    with closing(portable_host()) as portable, closing(procfs_host(bpf=False)) as of_procfs:
        yield portable, of_procfs


def look(host: Host, shop: Shop) -> HostView:
    """Look until both ends of the connection are known."""
    for now in range(LOOKS):
        view = host.refresh(float(now))
        if view.service_of(*shop.ends) and view.service_of(*reversed(shop.ends)):
            return view
    pytest.fail(f"not found in {LOOKS} looks")


def test_names_listeners_and_connections_are_the_same(hosts: tuple[Host, Host], shop: Shop) -> None:
    for view in (look(host, shop) for host in hosts):
        assert view.processes[shop.ticketing.pid].service == "ticketing"
        assert view.processes[shop.till.pid].service == "till"
        assert view.listeners[Listener("tcp", "127.0.0.1", shop.port)] == "ticketing"
        assert view.listeners[Listener("udp", "127.0.0.1", shop.udp_port)] == "ticketing"
        assert view.service_of(*shop.ends) == "till"
        assert view.service_of(*reversed(shop.ends)) == "ticketing"
        assert view.is_local("127.0.0.1")
    one, other = (host.view().processes[shop.till.pid].facts for host in hosts)
    assert (one.executable, one.arguments, one.working_directory, one.comm, one.parent_pid) == (
        other.executable,
        other.arguments,
        other.working_directory,
        other.comm,
        other.parent_pid,
    )
    assert hosts[0].view().services["till"] == hosts[1].view().services["till"]


def test_resources_are_the_same(hosts: tuple[Host, Host], shop: Shop) -> None:
    before = [host.sample(0.0)["till"].counters for host in hosts]
    used = [one.user_nanoseconds + one.system_nanoseconds for one in before]
    calls = [one.read_calls for one in before]
    shop.burn()
    told: list[Mapping[str, ServiceResources]] = [host.sample(10.0) for host in hosts]

    for resources, spent, read in zip(told, used, calls, strict=True):
        till = resources["till"]
        assert till.counters.user_nanoseconds + till.counters.system_nanoseconds - spent == pytest.approx(
            BURN * 1e9, rel=0.3
        )
        assert till.counters.read_calls > read
        assert till.gauges.resident_bytes > MEGABYTES << 20
    one, other = (resources["till"] for resources in told)
    assert one.gauges.resident_bytes == pytest.approx(other.gauges.resident_bytes, rel=0.05)
    assert one.gauges.threads == other.gauges.threads == 1
    assert one.gauges.open_files == other.gauges.open_files
    assert one.gauges.started_at == pytest.approx(other.gauges.started_at, abs=2.0)
    assert not one.has_memory_events
    assert other.has_memory_events


def test_a_process_that_ends_is_gone_and_one_that_starts_counts(hosts: tuple[Host, Host], shop: Shop) -> None:
    portable, _ = hosts
    assert portable.sample(0.0)["till"].gauges.processes == 1
    shop.till.kill()
    shop.till.wait()
    told = portable.sample(10.0)

    assert told["till"].gauges.processes == 0
    assert shop.till.pid not in portable.view().processes
    assert not portable.refresh(11.0).service_of(*shop.ends)


def test_what_psutil_does_not_tell_is_said_to_be_missing(hosts: tuple[Host, Host]) -> None:
    portable, of_procfs = (host.status().capabilities for host in hosts)

    assert portable.keys() == of_procfs.keys()
    assert not any(portable[name] for name in ("procfs", "sock_diag", "closed_sockets", "bpf_tasks", "cgroup_v2"))
    assert of_procfs["procfs"]


def test_where_only_root_may_ask_for_all_sockets_each_process_is_asked(shop: Shop) -> None:
    def refuse(_kind: str) -> tuple[Any, ...]:
        raise psutil.AccessDenied

    refused, allowed = PortableSockets(refuse), PortableSockets()
    for sockets in (refused, allowed):
        listening = [one for one in sockets.read().sockets.values() if one.local.port == shop.port and one.listening]
        assert [sockets.owners[one.inode] for one in listening] == [shop.ticketing.pid]


def test_a_socket_that_did_not_change_is_the_same_one(shop: Shop) -> None:
    sockets = PortableSockets()
    first = sockets.read().sockets
    second = sockets.read()
    mine = [key for key, one in first.items() if one.local.port == shop.port]

    assert len(mine) == 2  # the listener, and the end that was accepted
    assert not {*mine} & {*second.fresh, *second.gone}


def test_a_process_is_the_same_one_as_long_as_it_lives(shop: Shop) -> None:
    lives = Lives()
    life = lives.of(shop.till.pid)
    assert lives.of(shop.till.pid) is life
    shop.till.kill()
    shop.till.wait()

    with pytest.raises(psutil.NoSuchProcess):
        lives.of(shop.till.pid)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (r"C:\Program Files\Redis\redis-server.exe", "C:/Program Files/Redis/redis-server"),
        (r"D:\srv\shop.EXE", "D:/srv/shop"),
        ("", ""),
    ],
)
def test_paths_of_windows_are_read_as_others(text: str, read: str) -> None:
    assert path(text, is_windows=True) == read


@pytest.mark.parametrize(
    ("told", "kept"),
    [(["a", "", " b "], ("a", "", " b")), (["title  ", "", " "], ("title",)), (["", ""], ()), ([], ())],
)
def test_what_a_title_leaves_blank_is_dropped(told: list[str], kept: tuple[str, ...]) -> None:
    assert without_blanks(told) == kept


@pytest.mark.parametrize(
    ("text", "read"),
    [("0.0.0.0", "*"), ("::", "*"), ("::ffff:10.0.0.1", "10.0.0.1"), ("fe80::1%en0", "fe80::1"), ("::1", "::1")],
)
def test_addresses_are_told_as_the_kernel_tells_them(text: str, read: str) -> None:
    assert plain(text) == read


def test_the_method_is_chosen_by_the_system_unless_it_is_set() -> None:
    assert by_procfs("auto", has_procfs=True)
    assert not by_procfs("auto", has_procfs=False)
    assert by_procfs("procfs", has_procfs=False)
    assert not by_procfs("psutil", has_procfs=True)


def test_this_process_itself_is_seen(hosts: tuple[Host, Host]) -> None:
    portable, of_procfs = (host.refresh(0.0).processes[os.getpid()] for host in hosts)

    assert portable.service == of_procfs.service
