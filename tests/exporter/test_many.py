"""Very many connections at once: memory within the budget, and every request counted."""

import gc
import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.model import Role
from exporter.net.engine import Engine
from exporter.protocols import PROTOCOLS
from exporter.protocols.conversation import CONVERSATION_BYTES, Conversations
from exporter.services.attribution import Attribution, Patience
from exporter.services.families import family_of
from exporter.services.traffic import Caps, SideKey, Traffic
from exporter.services.view import HostView, Listener
from exporter.wire import Shares
from tests.exporter.net.packets import ACK, PSH, SYN, tcp

START = 1_700_000_000 * 10**9
WEB, CACHE = ("10.0.0.2", 8080), ("10.0.0.2", 16379)
HTTP = (b"GET /some/page HTTP/1.1\r\nHost: example\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
REDIS = (b"*2\r\n$3\r\nGET\r\n$5\r\nkey:1\r\n", b"$5\r\nvalue\r\n")
MIB = 1 << 20


class Wired:
    """The packet path as the exporter wires it, for a budget of `memory_bytes`."""

    def __init__(self, shares: Shares) -> None:
        self.traffic = Traffic(family_of, Caps(), 3600.0)
        self.attribution = Attribution(self.traffic, Patience())
        listeners = {Listener("tcp", "*", WEB[1]): "web", Listener("tcp", "*", CACHE[1]): "cache"}
        self.attribution.update(HostView(listeners=listeners, local_addresses=frozenset({WEB[0]})), 1.0)
        opener = Conversations(self.attribution, PROTOCOLS)
        self.engine = Engine(opener, max_flows=shares.flows, buffer_bytes=shares.waiting_bytes)
        self.engine.limit(shares.consumers)
        self.now = START

    def send(self, frame: bytes) -> None:
        self.now += 1000
        self.engine.frame(frame, 1, len(frame), self.now)

    def open(self, number: int) -> None:
        client, server = ends(number)
        self.send(tcp(client, server, 0, flags=SYN))
        self.send(tcp(server, client, 0, flags=SYN | ACK, ack=1))

    def ask(self, number: int, times_before: int) -> None:
        client, server = ends(number)
        request, response = HTTP if server is WEB else REDIS
        asked, told = 1 + times_before * len(request), 1 + times_before * len(response)
        self.send(tcp(client, server, asked, request, PSH | ACK, told))
        self.send(tcp(server, client, told, response, PSH | ACK, asked + len(request)))

    def requests(self, service: str, protocol: str) -> float:
        return self.traffic.snapshot().sides[SideKey(service, Role.SERVER, protocol)].requests

    def answered(self, service: str, protocol: str) -> float:
        return sum(self.traffic.snapshot().sides[SideKey(service, Role.SERVER, protocol)].durations)


def ends(number: int) -> tuple[tuple[str, int], tuple[str, int]]:
    client = (f"10.{1 + number // 50_000}.{number // 200 % 250}.{1 + number % 200}", 40_000 + number % 1000)
    return client, CACHE if number % 2 else WEB


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def rounds(path: Wired, connections: int, times: int) -> Iterator[None]:
    """Open so many connections, then have each ask so often, in ever other orders."""
    for number in range(connections):
        path.open(number)
    dice = random.Random(1)
    for before in range(times):
        for number in dice.sample(range(connections), connections):
            path.ask(number, before)
        yield


def held_to_the_budget(memory_bytes: int, connections: int, slack_bytes: int) -> Wired:
    shares = Shares.of(memory_bytes)
    path = Wired(shares)
    gc.collect()
    before = resident_bytes()
    for _ in rounds(path, connections, 3):
        gc.collect()
        assert resident_bytes() - before <= memory_bytes // 2 + slack_bytes
    for service, protocol in (("web", "http"), ("cache", "redis")):
        assert path.requests(service, protocol) == 3 * connections // 2
        assert path.answered(service, protocol) == 3 * connections // 2
    counters = path.engine.counters()
    assert counters.flows_active <= shares.flows
    return path


def test_a_conversation_costs_what_is_reckoned_with() -> None:
    count = 1000
    path = Wired(Shares(1 << 20, 4 * count, 4 * count))
    path.open(0)
    path.ask(0, 0)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(1, count + 1):
            path.open(number)
            path.ask(number, 0)
        gc.collect()
        each = (tracemalloc.get_traced_memory()[0] - before) / count
    finally:
        tracemalloc.stop()
    assert CONVERSATION_BYTES / 2 < each <= CONVERSATION_BYTES


def test_more_connections_than_may_be_parsed_at_once_are_all_counted() -> None:
    path = held_to_the_budget(4 * MIB, 4_000, 4 * MIB)
    assert path.engine.counters().flows_evicted > 4_000


def test_few_connections_lose_nothing() -> None:
    path = held_to_the_budget(32 * MIB, 200, MIB)
    assert path.engine.counters().flows_evicted == 0


@pytest.mark.long
def test_a_hundred_thousand_connections_stay_within_the_default_budget() -> None:
    # There are no rings here: with what the allocator keeps, connections may grow into the rings' half of the budget.
    path = held_to_the_budget(32 * MIB, 100_000, 16 * MIB)
    assert path.engine.counters().flows_evicted > 100_000
