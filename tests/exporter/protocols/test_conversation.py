"""Conversations: what a connection speaks, and when that is given up."""

from collections.abc import Iterator

from exporter.model import Endpoint, Flow
from exporter.net.stream import End
from exporter.protocols import PROTOCOLS
from exporter.protocols.conversation import Conversations
from exporter.protocols.spoken import MAX_SERVERS, Spoken
from tests.exporter.protocols.conversing import CLIENT, SERVER, STEP, C, Kept, Step, client, converse, flow, server
from tests.exporter.protocols.samples import resp

GET = client(b"GET / HTTP/1.1\r\n\r\n")
OK = server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def test_port_breaks_a_tie_and_no_more() -> None:
    inline = [client(b"INFO\r\n")]
    assert converse(inline, server_port=6379).protocols == ["redis"]
    assert converse(inline, server_port=7777).protocols == []
    assert converse([GET, OK], server_port=6379).protocols == ["http"]


def test_one_side_is_enough() -> None:
    assert converse([GET, GET]).requests() == ["GET", "GET"]
    assert converse([OK, OK]).statuses() == ["200", "200"]


def test_known_sides_are_not_turned() -> None:
    kept = converse([Step(1, GET.payload), Step(0, OK.payload)])
    assert "http" not in kept.protocols


def test_unknown_connection_joined_midway_is_tried_again_at_later_turns() -> None:
    middle = [server(b"rest of a body"), client(b"rest of an upload"), server(b"\0\1\2")]
    kept = converse([*middle, GET, OK, GET, OK], sure=False)
    assert kept.protocols[-1] == "http"
    assert kept.requests()[-2:] == ["GET", "GET"]


def test_unknown_connection_seen_whole_is_not_tried_again() -> None:
    kept = converse([client(b"\x01\x02ask"), server(b"\x03\x04told"), GET, OK])
    assert kept.protocols == ["unknown"]


def test_bytes_lost_before_the_protocol_was_known_are_survived() -> None:
    kept = converse([Step(0, lost=500), Step(1, lost=100), client(resp(b"PING")), server(b"+PONG\r\n")])
    assert kept.requests() == ["PING"]


def pings(conversations: Conversations, port: int) -> Iterator[None]:
    stream = conversations(Flow(Endpoint(CLIENT.address, port), SERVER, "tcp", True), STEP)
    assert stream is not None
    stream.data(C, b"PING\r\n", STEP)  # what other line protocols say as well
    yield
    stream.end(End.CLOSED, 2 * STEP)


def test_what_a_server_surely_spoke_decides_where_bytes_may_be_anything() -> None:
    kept = Kept()
    conversations = Conversations(kept, PROTOCOLS)
    unknown = pings(conversations, 1)
    next(unknown)
    next(unknown, None)
    assert kept.protocols == []
    sure = conversations(flow(), STEP)
    assert sure is not None
    sure.data(C, resp(b"GET", b"a"), STEP)
    later = pings(conversations, 2)
    next(later)
    next(later, None)
    assert kept.protocols == ["redis", "redis"]
    assert kept.requests() == ["PING"]


def test_what_servers_spoke_is_bounded() -> None:
    spoken = Spoken()
    spec = PROTOCOLS[0]
    for port in range(3 * MAX_SERVERS):
        spoken.remember(Endpoint("192.0.2.1", port), spec)
    assert sum(spoken.of(Endpoint("192.0.2.1", port)) is spec for port in range(3 * MAX_SERVERS)) <= MAX_SERVERS
