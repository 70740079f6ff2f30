"""Sockets of processes that live in a network namespace of their own, as in a container."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from exporter.services.transfers import Ledger
from exporter.sources.innersockets import InnerSockets
from exporter.sources.interfaces import interfaces_up
from exporter.sources.namespaces import Namespaces
from exporter.sources.procfshost import procfs_host
from tests.exporter.powers import CAP_SYS_ADMIN, Powers, with_powers
from tests.exporter.sources.test_closings import ANSWERED, ASKED, Load, Shop, run, totals
from tests.live.support.namespace import chosen, outside, own_loopback

CONNECTIONS = 100


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop in a namespace of its own, while the test is outside."""
    with own_loopback() as permitted:
        if not permitted:
            pytest.skip("no network namespace to be had: needs CAP_SYS_ADMIN")
        with closing(Shop(tmp_path, Load(CONNECTIONS, rate=100_000))) as made, outside():
            yield made


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_services_in_a_namespace_of_their_own_are_counted_to_the_byte(shop: Shop, tmp_path: Path) -> None:
    # Others may run the same tests meanwhile.
    proc = chosen(tmp_path / "proc", {shop.server.pid, shop.client.pid})
    with closing(procfs_host(proc, bpf=False)) as host:
        run(shop, host)
        found = totals(host)
        listeners = host.view().listeners

        server, client = found["ticketing", "server"], found["booking", "client"]
        assert (server.received, server.sent) == (CONNECTIONS * ASKED, CONNECTIONS * ANSWERED)
        assert (client.sent, client.received) == (CONNECTIONS * ASKED, CONNECTIONS * ANSWERED)
        (place,) = (listener.address for listener, service in listeners.items() if service == "ticketing")
        assert re.fullmatch(r"127\.0\.0\.1%\d+", place), "its loopback is not this one"
        assert host.status().capabilities["net_namespaces"]


@contextmanager
def inner_sockets(most: int = 64) -> Iterator[InnerSockets]:
    with (
        closing(Namespaces(Path("/proc"), most=most)) as namespaces,
        closing(InnerSockets(namespaces, Ledger())) as made,
    ):
        yield made


def test_a_namespace_without_processes_is_given_up(shop: Shop) -> None:
    before = open_files()
    with inner_sockets() as inner:
        inner.refresh({shop.server.pid, shop.client.pid, os.getpid()}, 0.0)
        assert len(inner.followers) == 1
        inner.refresh({os.getpid()}, 1.0)

        assert inner.followers == []
        assert open_files() == before


def test_only_so_many_are_followed(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    with inner_sockets(most=0) as inner:
        inner.refresh({shop.server.pid}, 0.0)
        inner.refresh({shop.server.pid}, 1.0)

        assert (inner.followers, inner.is_permitted) == ([], True)
    assert [record.message for record in caplog.records] == ["network namespaces left out"]


def test_who_may_not_enter_says_so(shop: Shop) -> None:
    def tried() -> str:
        with inner_sockets() as inner:
            inner.refresh({shop.server.pid}, 0.0)
            inner.refresh({shop.server.pid}, 1.0)
            return f"{len(inner.followers)} {inner.is_permitted}"

    assert with_powers(Powers(dropped=frozenset({CAP_SYS_ADMIN})), tried) == "0 False"


def test_a_process_that_enters_a_namespace_later_is_noticed() -> None:
    wait = "import sys; print(flush=True); sys.stdin.readline(); print(flush=True); sys.stdin.readline()"
    enter = f"import ctypes, sys; print(flush=True); sys.stdin.readline(); ctypes.CDLL(None).unshare(1 << 30); {wait}"
    pipe = subprocess.PIPE
    with (
        inner_sockets() as inner,
        subprocess.Popen(["python3", "-c", enter], stdin=pipe, stdout=pipe, text=True) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        inner.refresh({process.pid}, 0.0)
        assert inner.followers == []
        process.stdin.write("go\n")
        process.stdin.flush()
        process.stdout.readline()
        inner.refresh({process.pid}, 6.0)
        found = len(inner.followers)
        process.kill()
    if os.geteuid() != 0:
        pytest.skip("needs to be root")
    assert found == 1


def test_a_namespace_that_nobody_lives_in_is_found_by_its_mount(shop: Shop, tmp_path: Path) -> None:
    mounts = tmp_path / "1" / "root" / "run" / "netns"
    mounts.mkdir(parents=True)
    (mounts / "pod").symlink_to(f"/proc/{shop.server.pid}/ns/net")
    (mounts / "gone").symlink_to(tmp_path / "nowhere")
    with closing(Namespaces(tmp_path)) as namespaces:
        (namespace,) = namespaces.find()
        assert namespace.inode == (mounts / "pod").stat().st_ino
        assert namespaces.within(namespace, interfaces_up)[0].loopback
        (mounts / "pod").unlink()
        assert namespaces.find() == ()


def test_who_captures_and_who_counts_share_what_is_held(shop: Shop) -> None:
    processes = {shop.server.pid, shop.client.pid, os.getpid()}
    with closing(Namespaces(Path("/proc"))) as namespaces, closing(InnerSockets(namespaces, Ledger())) as inner:
        inner.refresh(processes, 0.0)
        before = open_files()
        (namespace,) = namespaces.find()
        assert namespaces.within(namespace, lambda: Path("/proc/thread-self/ns/net").stat().st_ino) == namespace.inode
        assert open_files() == before
        inner.refresh({os.getpid()}, 1.0)
        assert namespaces.find() == ()
        with pytest.raises(OSError, match="it has gone"):
            namespaces.within(namespace, open_files)
