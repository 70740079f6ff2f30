import errno
import socket
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Endpoint
from exporter.sources import rtnetlink, sockdiag
from exporter.sources.sockets import Socket


def message(
    local: Endpoint,
    remote: Endpoint,
    *,
    state: int = 1,
    cookie: int = 1,
    uid: int = 0,
    inode: int = 5,
    extra: bytes = b"",
) -> bytes:
    family = socket.AF_INET6 if ":" in local.address else socket.AF_INET

    def octets(address: str) -> bytes:
        return socket.inet_pton(family, address).ljust(16, b"\0")

    body = struct.pack("=BBBB", family, state, 0, 0)
    body += struct.pack(">HH", local.port, remote.port) + octets(local.address) + octets(remote.address)
    body += struct.pack("=IQIIIII", 0, cookie, 0, 0, 0, uid, inode) + extra
    return struct.pack("=IHHII", 16 + len(body), 20, 2, 1, 0) + body + b"\0" * (-len(body) % 4)


DONE = struct.pack("=IHHIII", 20, 3, 2, 1, 0, 0)
addresses = st.ip_addresses().map(str).filter(lambda text: not text.startswith("::ffff:"))


@given(
    st.lists(
        st.tuples(addresses, st.integers(1, 65535), st.integers(1, 2**32 - 1), st.binary(max_size=40)), max_size=20
    )
)
def test_sockets_of_any_mixture_of_lengths_are_decoded(rows: list[tuple[str, int, int, bytes]]) -> None:
    datagram = b"".join(
        message(Endpoint(address, port), Endpoint(address, 1), cookie=index, inode=inode, uid=7, extra=extra)
        for index, (address, port, inode, extra) in enumerate(rows)
    )
    live: dict[int, Socket] = {}

    assert sockdiag.decode(datagram + DONE, sockdiag.TCP, {}, live)

    assert [(one.local.port, one.inode, one.uid) for one in live.values()] == [
        (port, inode, 7) for _, port, inode, _ in rows
    ]
    for one, (address, *_) in zip(live.values(), rows, strict=True):
        unspecified = address in ("0.0.0.0", "::")
        assert one.local.address == ("*" if unspecified else address)


@given(st.binary(max_size=300))
def test_garbage_is_refused_or_empty_never_misread(buffer: bytes) -> None:
    live: dict[int, Socket] = {}
    try:
        sockdiag.decode(buffer, sockdiag.TCP, {}, live)
    except (ValueError, sockdiag.DiagError):
        return
    assert len(live) <= len(buffer) // 88


@given(st.integers(1, 87))
def test_a_cut_message_is_refused(kept: int) -> None:
    whole = message(Endpoint("127.0.0.1", 1), Endpoint("127.0.0.1", 2))

    with pytest.raises(ValueError, match=r"header|message"):
        sockdiag.decode(whole[:kept], sockdiag.TCP, {}, {})


def test_a_refusal_carries_its_error_number() -> None:
    refusal = struct.pack("=IHHIIi", 36, 2, 0, 1, 0, -errno.EPERM) + bytes(16)

    with pytest.raises(sockdiag.DiagError) as caught:
        sockdiag.decode(refusal, sockdiag.TCP, {}, {})
    assert caught.value.errno == errno.EPERM


def test_ipv4_in_ipv6_is_ipv4() -> None:
    live: dict[int, Socket] = {}
    sockdiag.decode(message(Endpoint("::ffff:10.0.0.1", 80), Endpoint("::ffff:10.0.0.2", 9)), sockdiag.TCP, {}, live)

    assert (live[1].local, live[1].remote) == (Endpoint("10.0.0.1", 80), Endpoint("10.0.0.2", 9))


def test_an_unchanged_socket_is_the_object_of_before_also_after_its_owner_closed_it() -> None:
    first: dict[int, Socket] = {}
    ends = (Endpoint("127.0.0.1", 1), Endpoint("127.0.0.1", 2))
    sockdiag.decode(message(*ends, inode=0), sockdiag.TCP, {}, first)
    accepted: dict[int, Socket] = {}
    sockdiag.decode(message(*ends, inode=9), sockdiag.TCP, first, accepted)
    closing: dict[int, Socket] = {}
    sockdiag.decode(message(*ends, inode=0, state=5), sockdiag.TCP, accepted, closing)

    assert accepted[1].inode == 9
    assert closing[1] is accepted[1]


def test_listening_is_told_from_being_connected() -> None:
    ends = (Endpoint("127.0.0.1", 53), Endpoint("0.0.0.0", 0))
    found: dict[int, Socket] = {}
    sockdiag.decode(message(*ends, state=7, cookie=1), sockdiag.UDP, {}, found)
    sockdiag.decode(message(*ends, state=10, cookie=2), sockdiag.TCP, {}, found)
    sockdiag.decode(message(*ends, state=1, cookie=3), sockdiag.TCP, {}, found)

    assert [(one.transport, one.listening) for one in found.values()] == [("udp", True), ("tcp", True), ("tcp", False)]


@given(st.binary(max_size=200))
def test_garbage_for_addresses_is_refused_or_empty(buffer: bytes) -> None:
    found: set[str] = set()
    try:
        rtnetlink.decode(buffer, found)
    except (ValueError, OSError):
        return
    assert len(found) <= len(buffer) // 24


def test_on_a_point_to_point_link_the_own_address_is_taken() -> None:
    def attribute(kind: int, address: str) -> bytes:
        return struct.pack("=HH", 8, kind) + socket.inet_aton(address)

    body = struct.pack("=BBBBI", socket.AF_INET, 32, 0, 0, 4) + attribute(1, "10.9.0.2") + attribute(2, "10.9.0.1")
    found: set[str] = set()

    rtnetlink.decode(struct.pack("=IHHII", 16 + len(body), 20, 2, 1, 0) + body, found)

    assert found == {"10.9.0.1"}


@given(st.lists(st.tuples(st.integers(1, 2**32 - 1), st.integers(0, 2**32 - 1), st.booleans()), max_size=20))
def test_drops_are_those_of_the_memory_attribute(rows: list[tuple[int, int, bool]]) -> None:
    end = Endpoint("127.0.0.1", 53)
    datagram, expected = b"", {}
    for inode, drops, is_told in rows:
        memory = struct.pack("=HH9I", 40, 7, *range(1, 9), drops)
        datagram += message(end, end, inode=inode, extra=memory if is_told else b"\x05\0\x08\0\0")
        if is_told:
            expected[inode] = drops
    dropped: dict[int, int] = {}

    assert sockdiag.decode_drops(datagram + DONE, dropped)
    assert dropped == expected


@given(st.binary(max_size=200))
def test_garbage_instead_of_drops_is_refused_or_empty(buffer: bytes) -> None:
    dropped: dict[int, int] = {}
    with suppress(ValueError, sockdiag.DiagError):
        sockdiag.decode_drops(buffer, dropped)
    assert len(dropped) <= len(buffer) // 72
