"""What sock_diag says of TCP sockets, in any mixture of lengths, from this kernel and from hostile bytes."""

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Endpoint
from exporter.services.tcpsocket import TcpSocket
from exporter.sources.sockdiag import DiagError
from exporter.sources.tcptable import TcpTable
from tests.exporter.sources.test_sockdiag import DONE, message

ENDS = (Endpoint("10.0.0.1", 80), Endpoint("10.0.0.2", 50000))
ESTABLISHED, CLOSE, CLOSE_WAIT = 1, 7, 8


def info(received: int, sent: int, resent: int = 0, acked: int = 0, size: int = 248) -> bytes:
    """Return the attribute with a tcp_info of the layout of Linux 4.19 and later, or cut as an older one's."""
    body = bytearray(248)
    struct.pack_into("=I", body, 68, 1500)
    struct.pack_into("=QQ", body, 120, acked, received)
    struct.pack_into("=Q", body, 160, 9000)
    struct.pack_into("=QQ", body, 200, sent, resent)
    return struct.pack("=HH", 4 + size, 2) + bytes(body[:size])


@given(st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 2**40), st.booleans()), max_size=30))
def test_sockets_of_any_mixture_are_decoded(rows: list[tuple[int, int, bool]]) -> None:
    datagrams = [
        message(*ENDS, cookie=index, inode=index, extra=info(received, sent) if told else b"")
        for index, (received, sent, told) in enumerate(rows)
    ]
    table = TcpTable()
    table.begin()
    for one in datagrams:
        assert not table.take(one)
    assert table.take(DONE)

    found = table.end().fresh
    assert [one.cookie for one in found] == list(range(len(rows)))
    assert [one.received for one in found] == [received if told else 0 for received, _, told in rows]
    assert [one.sent for one in found] == [sent if told else 0 for _, sent, told in rows]
    assert {one.local_port for one in found} <= {80}


def only(datagram: bytes) -> TcpSocket:
    """Return the one socket of a reading."""
    table = TcpTable()
    table.begin()
    table.take(datagram)
    (one,) = table.end().fresh
    return one


def test_what_was_sent_again_is_told_apart() -> None:
    one = only(message(*ENDS, extra=info(5, 1200, resent=200)))

    assert (one.sent, one.resent, one.rtt_us, one.delivery_rate) == (1000, 200, 1500, 9000)


def test_a_reading_tells_what_is_new_accepted_and_gone() -> None:
    table = TcpTable()
    table.begin()
    table.take(message(*ENDS, cookie=1, inode=0) + message(*ENDS, cookie=2, inode=7))
    first = table.end()
    table.begin()
    table.take(message(*ENDS, cookie=1, inode=9) + message(*ENDS, cookie=3, inode=8))
    second = table.end()
    table.begin()
    table.take(message(*ENDS, cookie=1, inode=0) + message(*ENDS, cookie=3, inode=8))
    third = table.end()

    assert [one.cookie for one in first.fresh] == [1, 2]
    assert [one.cookie for one in second.fresh] == [3]
    assert [one.cookie for one in second.moved] == [1]
    assert [one.cookie for one in second.gone] == [2]
    assert (third.fresh, third.moved, third.gone) == ([], [], [])
    assert table.sockets[1].inode == 9, "it was its owner's before that closed it"


def test_what_a_reading_told_before_it_failed_is_told_by_the_next_one() -> None:
    table = TcpTable()
    table.begin()
    with pytest.raises(ValueError, match="header"):
        table.take(message(*ENDS, cookie=1) + b"half")
    table.begin()
    table.take(message(*ENDS, cookie=1))

    assert [one.cookie for one in table.end().fresh] == [1]


@pytest.mark.parametrize(
    ("state", "acked", "expected"), [(ESTABLISHED, 10, 100), (CLOSE_WAIT, 10, 99), (CLOSE, 11, 99), (CLOSE, 10, 100)]
)
def test_the_end_of_what_a_peer_sends_is_no_byte(state: int, acked: int, expected: int) -> None:
    assert only(message(*ENDS, state=state, extra=info(100, 10, acked=acked))).received == expected


def test_an_old_kernel_says_what_was_acknowledged() -> None:
    one = only(message(*ENDS, extra=info(5, 0, acked=1001, size=192)))

    assert (one.sent, one.received) == (1000, 5)


def test_a_refusal_is_not_waited_behind() -> None:
    refusal = struct.pack("=IHHIIi", 36, 2, 0, 1, 0, -1) + bytes(16)

    with pytest.raises(DiagError):
        TcpTable().take(refusal)


@given(st.binary(max_size=400))
def test_garbage_is_refused_or_empty_never_misread(buffer: bytes) -> None:
    table = TcpTable()
    table.begin()
    try:
        table.take(buffer)
    except (ValueError, DiagError):
        return
    assert len(table.sockets) <= len(buffer) // 88


@given(st.binary(max_size=300))
def test_garbage_for_attributes_is_refused_or_passed_over(attributes: bytes) -> None:
    try:
        one = only(message(*ENDS, extra=attributes))
    except ValueError:
        return
    assert (one.local_port, one.family) == (80, socket.AF_INET)
