"""The facade over a /proc in a folder, with hostile and vanishing processes."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter.identity.facts import OTHER
from exporter.model import Endpoint
from exporter.services.transfers import TcpLook
from exporter.services.view import HostView, Listener
from exporter.sources.host import Host
from exporter.sources.hostsockets import open_sockets
from exporter.sources.netlink import DiagSockets
from exporter.sources.procfshost import procfs_host
from exporter.sources.sockets import Others, Socket, SocketLook, compared
from tests.exporter.sources.proctree import ProcTree

TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
ADDRESSES = frozenset({"10.0.0.1", "127.0.0.1"})


class Table:
    """Sockets that a test sets."""

    def __init__(self) -> None:
        self.sockets: dict[int, Socket] = {}
        self.error: OSError | None = None
        self.tcp = TcpLook()
        self._before: dict[int, Socket] = {}
        self.meanwhile: Callable[[], None] = lambda: None

    def read(self) -> SocketLook:
        if self.error is not None:
            raise self.error
        self.meanwhile()
        look, self._before = compared(self._before, dict(self.sockets)), dict(self.sockets)
        return look

    def others(self) -> Others:
        return Others()

    def close(self) -> None:
        """Nothing is held."""

    def listen(self, port: int, inode: int, address: str = "*", transport: str = "tcp") -> None:
        self.sockets[inode] = Socket(transport, True, Endpoint(address, port), Endpoint("*", 0), inode, 0)

    def connect(self, local: Endpoint, remote: Endpoint, inode: int) -> None:
        self.sockets[inode] = Socket("tcp", False, local, remote, inode, 0)


@pytest.fixture
def tree(tmp_path: Path) -> ProcTree:
    tree = ProcTree.at(tmp_path / "proc")
    tree.add(1, b"/sbin/init", parent=0, start=1)
    return tree


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def host(tree: ProcTree, table: Table) -> Iterator[Host]:
    host = procfs_host(tree.path, table, addresses=lambda: ADDRESSES)
    yield host
    host.close()


def services(view: HostView) -> dict[int, str]:
    return {pid: process.service for pid, process in view.processes.items()}


def test_who_executes_its_program_and_listens_during_a_look_is_called_by_that_program(
    tree: ProcTree, table: Table, host: Host
) -> None:
    host.refresh(0.0)
    tree.add(10, b"/usr/bin/supervisord", start=200)  # as forked, before it executes

    def execute() -> None:
        tree.add(10, b"/usr/bin/redis-server\0*:7000", start=200)
        tree.open_socket(10, 5, 501)
        table.listen(7000, 501)

    table.meanwhile = execute
    view = host.refresh(1.0)

    assert view.listeners == {Listener("tcp", "*", 7000): "redis"}


def test_listeners_and_connections_have_their_service(tree: ProcTree, table: Table, host: Host) -> None:
    tree.add(10, b"/usr/bin/redis-server\0*:7000")
    tree.add(11, b"/usr/bin/python3.11\0/srv/shop.py")
    tree.open_socket(10, 5, 501)
    tree.open_socket(10, 6, 502)
    tree.open_socket(11, 3, 503)
    client, server = Endpoint("127.0.0.1", 50000), Endpoint("127.0.0.1", 7000)
    table.listen(7000, 501)
    table.connect(server, client, 502)
    table.connect(client, server, 503)

    view = host.refresh(0.0)

    assert view.listeners == {Listener("tcp", "*", 7000): "redis"}
    assert view.service_at(Endpoint("10.0.0.1", 7000)) == "redis"
    assert view.service_at(Endpoint("10.0.0.9", 7000)) == ""
    assert view.service_of(client, server) == "shop"
    assert view.service_of(server, client) == "redis"


def test_names_with_parentheses_newlines_and_undecodable_bytes_are_survived(tree: ProcTree, host: Host) -> None:
    tree.add(10, b"/opt/a) R 1 (b", comm=b"a) R 1 (b")
    tree.add(11, b"/opt/x\ny\xff\xfe", comm=b"x\ny\xff")
    tree.add(12, b"\xff\0\xfe", executable="/opt/odd", comm=b"\n")

    names = services(host.refresh(0.0))

    assert names.keys() == {1, 10, 11, 12}
    for name in names.values():
        assert name.isprintable()
        name.encode("utf-8")


def test_kernel_threads_are_left_out(tree: ProcTree, host: Host) -> None:
    tree.add(2, b"", comm=b"kthreadd", flags=0x00200000, executable="/none")

    assert services(host.refresh(0.0)).keys() == {1}


def test_processes_that_vanish_are_forgotten_and_their_counters_stay(tree: ProcTree, host: Host) -> None:
    tree.add(10, b"/opt/shop", cpu=5)
    host.sample(0.0)
    tree.add(10, b"/opt/shop", cpu=9)
    host.sample(1.0)
    tree.remove(10)

    found = host.sample(2.0)["shop"]

    assert 10 not in host.view().processes
    assert (found.counters.user_nanoseconds, found.gauges.processes) == (4 * TICK, 0)


def test_a_process_that_loses_its_files_half_way_is_survived(tree: ProcTree, host: Host) -> None:
    folder = tree.add(10, b"/opt/shop")
    (folder / "cmdline").unlink()
    (folder / "exe").unlink()
    (folder / "io").unlink()
    (tree.add(11, b"/opt/gone") / "stat").unlink()
    (tree.add(12, b"/opt/empty") / "stat").write_bytes(b"")

    found = host.sample(0.0)

    assert found["shop"].gauges.processes == 1
    assert not found["shop"].has_io
    assert host.status().hidden_processes == 2


def test_a_young_process_that_ends_while_it_is_looked_at_is_survived(tree: ProcTree, host: Host) -> None:
    host.refresh(0.0)
    folder = tree.add(50, b"/opt/shop")
    host.refresh(1.0)
    (folder / "stat").unlink()

    assert [50 in host.refresh(now).processes for now in (2.0, 3.0, 4.0)] == [False, False, False]


def test_a_reused_pid_gets_its_new_name(tree: ProcTree, host: Host) -> None:
    tree.add(10, b"/opt/shop", start=100)
    host.sample(0.0)
    tree.remove(10)
    tree.add(10, b"/opt/till", start=900)
    host.sample(1.0)
    host.sample(6.0)

    assert services(host.refresh(40.0))[10] == "till"


def test_a_program_executed_after_the_fork_gives_its_name_while_the_process_is_young(
    tree: ProcTree, host: Host
) -> None:
    host.refresh(0.0)
    tree.add(10, b"/usr/bin/dash\0/opt/start.sh")
    host.refresh(3.0)
    tree.add(10, b"/opt/till")
    host.refresh(4.0)

    assert services(host.refresh(33.0))[10] == "till"


def test_a_name_that_a_process_had_only_at_first_is_gone_with_it(tree: ProcTree, table: Table, host: Host) -> None:
    host.sample(0.0)
    tree.add(10, b"/usr/bin/python3\0-m\0detector", executable="/usr/bin/python3", comm=b"python3", cpu=3)
    tree.open_socket(10, 3, 77)
    table.listen(8000, 77)
    assert host.sample(1.0)["detector"].starts == 1
    tree.add(10, b"/usr/bin/python3\0-m\0detector", executable="/usr/bin/python3", comm=b"larimar-detecto", cpu=5)

    found = host.sample(2.0)

    assert services(host.view())[10] == "larimar-detector"
    assert "detector" not in found
    assert (found["larimar-detector"].counters.user_nanoseconds, found["larimar-detector"].starts) == (5 * TICK, 1)
    assert host.view().renamed == {"detector": "larimar-detector"}


def test_a_name_that_was_one_for_long_keeps_its_counters(tree: ProcTree, host: Host) -> None:
    tree.add(10, b"/opt/shop", cpu=3)
    host.sample(0.0)
    host.sample(100.0)
    tree.add(10, b"/opt/till", cpu=5)
    host.sample(101.0)
    host.sample(110.0)

    found = host.sample(111.0)

    assert {"shop", "till"} <= found.keys()
    assert not host.view().renamed


def test_an_errand_becomes_no_service(tree: ProcTree, host: Host) -> None:
    host.sample(0.0)
    tree.add(10, b"/opt/errand", cpu=3)

    assert "errand" not in host.sample(1.0)
    assert "errand" not in host.sample(30.0)
    assert services(host.view())[10] == OTHER
    found = host.sample(31.0)["errand"]
    assert (found.counters.user_nanoseconds, found.starts) == (3 * TICK, 1)


def test_what_somebody_declared_or_is_known_is_no_errand(tree: ProcTree, host: Host) -> None:
    host.sample(0.0)
    tree.add(10, b"/usr/bin/redis-server")
    (tree.add(11, b"/opt/till") / "cgroup").write_text("0::/system.slice/till.service\n")
    host.sample(1.0)

    found = host.sample(3.0)

    assert {"redis", "till"} <= found.keys()


def test_an_errand_that_opens_a_socket_later_is_a_service_then(tree: ProcTree, table: Table, host: Host) -> None:
    host.refresh(0.0)
    tree.add(10, b"/opt/till")
    host.refresh(1.0)
    assert services(host.refresh(10.0))[10] == OTHER
    tree.open_socket(10, 3, 77)
    table.listen(8000, 77)
    host.refresh(11.0)

    assert services(host.refresh(12.0))[10] == "till"


def test_a_young_process_with_a_socket_is_a_service_at_once(tree: ProcTree, table: Table, host: Host) -> None:
    host.refresh(0.0)
    tree.add(10, b"/opt/till")
    tree.open_socket(10, 3, 77)
    table.listen(8000, 77)

    assert host.refresh(1.0).listeners == {Listener("tcp", "*", 8000): "till"}


def test_the_services_beyond_the_limit_are_other(tree: ProcTree, table: Table) -> None:
    for pid in range(10, 30):
        tree.add(pid, b"/opt/program-%c" % (87 + pid), start=pid)
    host = procfs_host(tree.path, table, addresses=lambda: ADDRESSES, max_services=5)

    view = host.refresh(0.0)

    assert len(view.services) == 6
    assert view.services[OTHER].name == OTHER
    assert host.status().services_refused == 16
    host.close()


def test_two_servers_of_one_program_are_told_apart_and_replicas_are_not(
    tree: ProcTree, table: Table, host: Host
) -> None:
    for pid, port in ((10, 6379), (11, 6380)):
        tree.add(pid, b"/usr/bin/redis-server\0*:%d" % port, start=pid)
        tree.open_socket(pid, 5, port)
        table.listen(port, port)
    for pid, port in ((20, 8001), (21, 8002)):
        tree.add(pid, b"/usr/bin/python3.11\0-m\0uvicorn\0cart:app\0--port\0%d" % port, start=pid)
        tree.open_socket(pid, 5, port)
        table.listen(port, port)

    names = services(host.refresh(0.0))

    assert [names[pid] for pid in (10, 11, 20, 21)] == ["redis", "redis:6380", "cart", "cart"]


def test_a_second_server_shares_no_name_before_its_port_is_known(tree: ProcTree, table: Table, host: Host) -> None:
    tree.add(10, b"/usr/bin/redis-server")
    tree.open_socket(10, 6, 501)
    table.listen(7000, 501)
    host.refresh(0.0)
    tree.add(11, b"/usr/bin/redis-server")
    tree.open_socket(11, 6, 502)
    table.connect(Endpoint("127.0.0.1", 7001), Endpoint("127.0.0.1", 50000), 502)

    assert services(host.refresh(1.0))[11] == OTHER
    tree.open_socket(11, 7, 503)
    table.listen(7001, 503)
    assert services(host.refresh(2.0))[11] == "redis:7001"


def test_a_second_server_that_never_listens_is_a_replica(tree: ProcTree, table: Table, host: Host) -> None:
    tree.add(10, b"/usr/bin/redis-server")
    tree.open_socket(10, 6, 501)
    table.listen(7000, 501)
    host.refresh(0.0)
    tree.add(11, b"/usr/bin/redis-server")
    host.refresh(1.0)

    assert services(host.refresh(12.0))[11] == "redis"


def test_a_socket_lent_by_the_first_process_is_its_borrowers(tree: ProcTree, table: Table, host: Host) -> None:
    tree.open_socket(1, 9, 77)
    table.listen(8000, 77)
    assert host.refresh(0.0).listeners == {Listener("tcp", "*", 8000): "init"}
    tree.add(10, b"/opt/till")
    tree.open_socket(10, 3, 77)

    assert host.refresh(1.0).listeners == {Listener("tcp", "*", 8000): "till"}


def test_sockets_that_cannot_be_read_are_counted_and_those_of_before_stay(
    tree: ProcTree, table: Table, host: Host
) -> None:
    tree.open_socket(1, 9, 77)
    table.listen(8000, 77)
    host.refresh(0.0)
    table.error = TimeoutError("no answer")

    assert host.refresh(1.0).listeners
    assert host.status().socket_failures == 1
    assert not host.status().capabilities["sock_diag"]


def test_closed_connections_leave_the_view_and_given_views_do_not_change(
    tree: ProcTree, table: Table, host: Host
) -> None:
    tree.open_socket(1, 9, 77)
    table.connect(Endpoint("127.0.0.1", 1), Endpoint("127.0.0.1", 2), 77)
    before = host.refresh(0.0)
    table.sockets.clear()

    assert not host.refresh(1.0).connections
    assert len(before.connections) == 1


def test_without_its_proc_the_host_says_so(tmp_path: Path, table: Table) -> None:
    host = procfs_host(tmp_path / "none", table, addresses=lambda: ADDRESSES)

    with pytest.raises(FileNotFoundError):
        host.refresh(0.0)


def test_sock_diag_is_used_where_it_answers(tmp_path: Path) -> None:
    source = open_sockets(tmp_path)

    assert isinstance(source, DiagSockets)
    source.close()
