"""Sockets of processes that live in a network namespace of their own, as in a container."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from exporter.model import Endpoint
from exporter.services.transfers import Ledger
from exporter.services.view import Ends, HostView, Listener
from exporter.sources.host import Host
from exporter.sources.netns import Namespaces, views
from tests.exporter.powers import CAP_SYS_ADMIN, Powers, with_powers
from tests.exporter.sources.test_closings import ANSWERED, ASKED, Load, Shop, run, totals
from tests.live.support.namespace import outside, own_loopback

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


def test_services_in_a_namespace_of_their_own_are_counted_to_the_byte(shop: Shop) -> None:
    with closing(Host()) as host:
        run(shop, host)
        found = totals(host)
        listeners = host.view().listeners

        server, client = found["ticketing", "server"], found["booking", "client"]
        assert (server.received, server.sent) == (CONNECTIONS * ASKED, CONNECTIONS * ANSWERED)
        assert (client.sent, client.received) == (CONNECTIONS * ASKED, CONNECTIONS * ANSWERED)
        assert "ticketing" not in listeners.values(), "its loopback is not this one"
        assert host.status().capabilities["net_namespaces"]


def test_a_namespace_without_processes_is_given_up(shop: Shop) -> None:
    before = open_files()
    with closing(Namespaces(Path("/proc"), Ledger())) as namespaces:
        namespaces.refresh({shop.server.pid, shop.client.pid, os.getpid()}, 0.0)
        assert len(namespaces.followers) == 1
        namespaces.refresh({os.getpid()}, 1.0)

        assert namespaces.followers == []
        assert open_files() == before


def test_only_so_many_are_followed(shop: Shop) -> None:
    with closing(Namespaces(Path("/proc"), Ledger(), most=0)) as namespaces:
        namespaces.refresh({shop.server.pid}, 0.0)

        assert (namespaces.followers, namespaces.refused, namespaces.is_permitted) == ([], 1, True)


def test_who_may_not_enter_says_so(shop: Shop) -> None:
    def tried() -> str:
        with closing(Namespaces(Path("/proc"), Ledger())) as namespaces:
            namespaces.refresh({shop.server.pid}, 0.0)
            namespaces.refresh({shop.server.pid}, 1.0)
            return f"{len(namespaces.followers)} {namespaces.refused} {namespaces.is_permitted}"

    assert with_powers(Powers(dropped=frozenset({CAP_SYS_ADMIN})), tried) == "0 1 False"


def test_a_process_that_enters_a_namespace_later_is_noticed() -> None:
    wait = "import sys; print(flush=True); sys.stdin.readline(); print(flush=True); sys.stdin.readline()"
    enter = f"import ctypes, sys; print(flush=True); sys.stdin.readline(); ctypes.CDLL(None).unshare(1 << 30); {wait}"
    pipe = subprocess.PIPE
    with (
        closing(Namespaces(Path("/proc"), Ledger())) as namespaces,
        subprocess.Popen(["python3", "-c", enter], stdin=pipe, stdout=pipe, text=True) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        namespaces.refresh({process.pid}, 0.0)
        assert namespaces.followers == []
        process.stdin.write("go\n")
        process.stdin.flush()
        process.stdout.readline()
        namespaces.refresh({process.pid}, 6.0)
        found = len(namespaces.followers)
        process.kill()
    if os.geteuid() != 0:
        pytest.skip("needs to be root")
    assert found == 1


class Here:
    """A namespace with one listener on every address and one connection."""

    def __init__(self, service: str, address: str, port: int) -> None:
        self.local_addresses = frozenset({"127.0.0.1", address})
        self.listeners = {Listener("tcp", "*", port): service}
        local, remote = Endpoint(address, port), Endpoint("10.9.9.9", 1)
        inner = Endpoint("127.0.0.1", port)
        self.connections = {Ends(local, remote): service, Ends(inner, inner): service}

    def attribute(self, _services: object) -> "Here":
        return self


def test_what_has_an_address_of_its_own_is_seen_by_all_and_loopback_by_nobody_else() -> None:
    host, pod = Here("web", "10.0.0.1", 80), Here("shop", "172.17.0.2", 8080)

    outer, inner = views([host, pod], {}, HostView())  # type: ignore[list-item]

    assert outer.service_at(Endpoint("172.17.0.2", 8080)) == inner.service_at(Endpoint("127.0.0.1", 8080)) == "shop"
    assert inner.service_at(Endpoint("10.0.0.1", 80)) == "web"
    assert outer.service_at(Endpoint("127.0.0.1", 8080)) == ""
    assert outer.service_of(Endpoint("172.17.0.2", 8080), Endpoint("10.9.9.9", 1)) == "shop"
    assert outer.service_of(Endpoint("127.0.0.1", 8080), Endpoint("127.0.0.1", 8080)) == ""
    assert outer.is_local("172.17.0.2")
