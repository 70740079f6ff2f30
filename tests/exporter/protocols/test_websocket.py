"""What RFC 6455 and RFC 7692 let frames do."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exporter.protocols.conversing import Kept, Step, client, converse, server
from tests.exporter.protocols.samples_messaging import websocket

UPGRADE = (
    client(b"GET /chat HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
    server(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
    client(websocket(0x81, b"hello", True)),
    server(websocket(0x81, b"hello", False)),
)
FIN, DEFLATED, CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0x80, 0x40, 0, 1, 2, 8, 9, 10
BEFORE = ["GET", "to-server", "to-client"]


def talk(*steps: Step) -> Kept:
    kept = converse((*UPGRADE, *steps))
    assert kept.protocols == ["http", "websocket"]
    assert kept.unparsable_protocols == []
    assert kept.requests()[:3] == BEFORE
    return kept


def sizes(kept: Kept) -> list[int]:
    return [exchange.request.size_bytes for exchange in kept.exchanges[3:] if exchange.request is not None]


def test_fragments_with_control_frames_between_them_are_one_message() -> None:
    parts = (
        websocket(TEXT, b"a" * 10, True),
        websocket(CONTINUED, b"b" * 200, True),
        websocket(FIN | CONTINUED, b"c", True),
    )
    between = websocket(FIN | PING, b"still there?", True), websocket(FIN | PONG, b"", True)
    kept = talk(client(parts[0] + between[0]), server(websocket(FIN | PONG, b"yes", False)), client(parts[1]))
    assert kept.requests() == BEFORE
    kept = talk(client(parts[0] + between[0] + parts[1]), client(between[1] + parts[2]))
    assert kept.requests() == [*BEFORE, "to-server"]
    assert sizes(kept) == [sum(map(len, parts))]


def test_empty_fragments_and_messages_count_by_their_ends() -> None:
    empty = websocket(TEXT, b"", False) + websocket(CONTINUED, b"", False) + websocket(FIN | CONTINUED, b"", False)
    kept = talk(server(empty), server(websocket(FIN | BINARY, b"", False)), client(websocket(FIN | TEXT, b"", True)))
    assert kept.requests() == [*BEFORE, "to-client", "to-client", "to-server"]


def test_compressed_messages_count_and_only_their_first_frame_says_so() -> None:
    fragmented = websocket(DEFLATED | TEXT, b"\xf2\x48\xcd", True) + websocket(FIN | CONTINUED, b"\xc9\xc9\x07\0", True)
    kept = talk(client(websocket(FIN | DEFLATED | TEXT, b"\xf2\x48\0", True) + fragmented))
    assert kept.requests() == [*BEFORE, "to-server", "to-server"]


@pytest.mark.parametrize("size", [0, 125, 126, 127, 65_535, 65_536, 300_000])
@pytest.mark.parametrize("masked", [True, False])
def test_lengths_of_every_form_are_read(size: int, masked: bool) -> None:
    whole = websocket(FIN | BINARY, b"\x82" * size, masked)
    behind = websocket(FIN | TEXT, b"next", masked)
    kept = talk(*(Step(0 if masked else 1, (whole + behind)[at : at + 1460]) for at in range(0, len(whole) + 6, 1460)))
    assert sizes(kept)[:1] == [len(whole)]


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1011, 1015, 3000, 4999])
def test_closing_is_no_message_whatever_its_code(code: int) -> None:
    reason = code.to_bytes(2, "big") + b"because"
    kept = talk(client(websocket(FIN | CLOSE, reason, True)), server(websocket(FIN | CLOSE, reason, False)))
    assert kept.requests() == BEFORE


def test_closing_between_fragments_drops_the_message() -> None:
    kept = talk(client(websocket(TEXT, b"begun", True) + websocket(FIN | CLOSE, b"", True)))
    assert kept.requests() == BEFORE


@given(st.sets(st.integers(1, 399)))
def test_cutting_changes_nothing(cuts: set[int]) -> None:
    stream = (
        websocket(DEFLATED | BINARY, b"x" * 130, True)
        + websocket(FIN | PING, b"p" * 125, True)
        + websocket(CONTINUED, b"", True)
        + websocket(FIN | CONTINUED, b"y" * 100, True)
        + websocket(FIN | TEXT, b"z", True)
    )
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    kept = talk(*(client(stream[a:b]) for a, b in pairwise(edges)))
    assert kept.requests() == [*BEFORE, "to-server", "to-server"]


def test_frames_that_the_standard_forbids_are_not_taken_for_messages() -> None:
    for wrong in (
        websocket(FIN | TEXT, b"not masked", False),
        websocket(FIN | 3, b"reserved", True),
        websocket(FIN | 0x20 | TEXT, b"reserved", True),
        websocket(PING, b"in parts", True),
    ):
        kept = converse((*UPGRADE, client(wrong)))
        assert kept.requests() == BEFORE
