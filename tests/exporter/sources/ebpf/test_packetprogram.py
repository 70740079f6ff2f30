"""The translated filters, run by the kernel on packets made by hand, where that is permitted."""

import ctypes
import os
import platform
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.net.lengths import Bodies
from exporter.sources.classicfilter import WHOLE, Kept, Snap, payload_filter
from exporter.sources.ebpf import assembler, kernel, packetprogram
from exporter.sources.ebpf.kernel import BpfError
from exporter.sources.filters import (
    AUTO,
    CLASSIC,
    EBPF,
    HEADER_BYTES,
    ClassicFilter,
    EbpfFilter,
    Filters,
    FilterStatus,
)
from tests.exporter.net.packets import CLIENT, SERVER, tcp
from tests.exporter.sources.test_classicfilter import CLIENT6, DROPPED, KEPT, SERVER6
from tests.exporter.sources.test_classicfilter import run as run_classic

TEST_RUN = 10
HEAD = 300
SNAP = Snap(1500, HEAD, frozenset({Bodies(SERVER[1], 1)}))
ROOM = 3000


@pytest.fixture
def ebpf_filter() -> Iterator[EbpfFilter]:
    """A filter of its own, with room for long packets."""
    try:
        filters = Filters(EBPF)
    except BpfError as error:
        pytest.skip(str(error))
    with closing(filters), closing(filters.make()) as made:
        assert isinstance(made, EbpfFilter)
        made.refill(ROOM)
        yield made


def run(descriptor: int, frame: bytes) -> int:
    """Have the kernel run a program on a frame, which it sees without the Ethernet header; return what it returns."""
    data = ctypes.create_string_buffer(frame, len(frame))
    attributes = struct.pack("=4IQQ2I", descriptor, 0, len(frame), 0, ctypes.addressof(data), 0, 0, 0)
    buffer = ctypes.create_string_buffer(attributes, 128)
    libc = ctypes.CDLL(None, use_errno=True)
    number = ctypes.c_long(kernel.NUMBERS[platform.machine()])
    done = libc.syscall(number, ctypes.c_int(TEST_RUN), buffer, ctypes.c_uint(128))
    assert done == 0, os.strerror(ctypes.get_errno())
    return int(struct.unpack_from("=I", buffer.raw, 4)[0])


@pytest.mark.parametrize("bodies", [frozenset(), frozenset(Bodies(port, port % 2) for port in range(16))])
def test_the_kernel_keeps_of_short_packets_what_the_classic_program_keeps(
    ebpf_filter: EbpfFilter, bodies: frozenset[Bodies]
) -> None:
    kept = Kept(Snap(HEAD, HEAD, bodies), 0)
    program = payload_filter(kept.snap, 0)
    descriptor = ebpf_filter.load(kept)
    for name, frame in (KEPT | DROPPED).items():
        if len(frame) > 14 + 20:
            assert run(descriptor, frame) == run_classic(program, frame[14:]), name


JUDGED = (0, 2, 3, 6, 7, 9, 32, 33)  # the bytes that the filter looks at
VALUES = (0, 1, 2, 6, 17, 0x14, 0x28, 0x40, 0x45, 0x46, 0x50, 0x60, 0xFF)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=400)
@given(
    st.sampled_from((0, 1, 40)),
    st.lists(st.tuples(st.sampled_from(JUDGED), st.sampled_from(VALUES)), max_size=2),
    st.sampled_from((0, 1, 20, 60)),
)
def test_the_kernel_keeps_of_whatever_looks_like_a_segment_what_the_classic_program_keeps(
    ebpf_filter: EbpfFilter, size: int, changes: list[tuple[int, int]], cut: int
) -> None:
    frame = bytearray(tcp(CLIENT, SERVER, 1, bytes(size), ack=5))
    for place, value in changes:
        frame[14 + place] = value
    frame = frame[: max(len(frame) - cut, 14 + 21)]  # the kernel runs no program on less
    descriptor = ebpf_filter.load(Kept(Snap(HEAD, HEAD), 0, datagrams=True))
    assert run(descriptor, bytes(frame)) == run_classic(payload_filter(Snap(HEAD, HEAD), 0, True), bytes(frame[14:]))


@pytest.mark.parametrize("header", [0, 14])
@pytest.mark.parametrize("datagrams", [False, True])
def test_the_verifier_accepts_every_program(ebpf_filter: EbpfFilter, header: int, datagrams: bool) -> None:
    for bodies in (frozenset[Bodies](), frozenset(Bodies(port, port % 2) for port in range(16))):
        assert ebpf_filter.load(Kept(Snap(WHOLE, HEAD, bodies), header, datagrams)) > 0


@pytest.mark.parametrize("sides", [(CLIENT, SERVER), (CLIENT6, SERVER6)])
def test_of_bodies_heads_are_copied_after_the_other_side_spoke_then_headers(
    ebpf_filter: EbpfFilter, sides: tuple[tuple[str, int], tuple[str, int]]
) -> None:
    client, server = sides
    descriptor = ebpf_filter.load(Kept(Snap(1500, HEAD, frozenset({Bodies(server[1], 1)})), 0))

    def answer(ack: int, size: int = 1200) -> int:
        return run(descriptor, tcp(server, client, 1, bytes(size), ack=ack))

    assert [answer(500) for _ in range(9)] == [HEAD] * 7 + [HEADER_BYTES] * 2
    assert answer(500, 50) == WHOLE, "short packets cost little"
    assert answer(600) == HEAD
    assert run(descriptor, tcp(server, (client[0], 9), 1, bytes(1200), ack=500)) == HEAD, "another flow"
    assert run(descriptor, tcp(client, server, 1, bytes(1200), ack=500)) == WHOLE, "the other direction is not bodies"


def test_long_packets_are_whole_as_long_as_there_is_room(ebpf_filter: EbpfFilter) -> None:
    descriptor = ebpf_filter.load(Kept(SNAP, 0))
    frame = tcp(CLIENT, SERVER, 1, bytes(1200))
    assert [run(descriptor, frame) for _ in range(4)] == [WHOLE, WHOLE, HEAD, HEAD]
    assert run(descriptor, tcp(CLIENT, SERVER, 1, bytes(HEAD - 60))) == WHOLE, "short packets always have room"
    ebpf_filter.refill(len(frame) - 14)
    assert [run(descriptor, frame) for _ in range(2)] == [WHOLE, HEAD]


def test_what_is_known_to_hold_messages_is_whole_without_any_room(ebpf_filter: EbpfFilter) -> None:
    ebpf_filter.refill(0)
    publications = frozenset({Bodies(SERVER[1], 0)})
    for bodies in (frozenset[Bodies](), SNAP.bodies):
        descriptor = ebpf_filter.load(Kept(Snap(1500, HEAD, bodies, publications), 0))
        assert run(descriptor, tcp(CLIENT, SERVER, 1, bytes(1200))) == WHOLE
        assert run(descriptor, tcp(CLIENT, (SERVER[0], 9), 1, bytes(1200))) == HEAD


def test_no_room_is_asked_for_by_packets_that_are_too_long(ebpf_filter: EbpfFilter) -> None:
    descriptor = ebpf_filter.load(Kept(SNAP, 0))
    assert run(descriptor, tcp(CLIENT, SERVER, 1, bytes(1600))) == HEAD
    assert run(descriptor, tcp(CLIENT, SERVER, 1, bytes(1200))) == WHOLE


def test_a_program_is_loaded_once(ebpf_filter: EbpfFilter) -> None:
    assert ebpf_filter.load(Kept(SNAP, 0)) == ebpf_filter.load(Kept(SNAP, 0))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for size in range(20):
        ebpf_filter.load(Kept(Snap(1500, HEAD + size), 0))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_cannot_be_translated_is_refused() -> None:
    with pytest.raises(ValueError, match="0x87"):
        packetprogram.translate(struct.pack("=HBBI", 0x87, 0, 0, 0), packetprogram.Measure(SNAP, 1, 1, 14, 0, 0))


def test_a_refused_program_says_what_the_verifier_said(ebpf_filter: EbpfFilter) -> None:
    with pytest.raises(BpfError, match=r"(?s)the kernel refuses the program: .*R0 !read_ok"):
        kernel.load_filter(assembler.assemble(assembler.leave()[1:]))


def test_a_machine_without_a_known_number_does_with_the_classic_filter(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "pdp11")
    with pytest.raises(BpfError, match=r"bpf\(2\) is not known on pdp11"):
        Filters(EBPF)
    with closing(Filters()) as filters:
        assert isinstance(filters.make(), ClassicFilter)
        filters.say()
        filters.say()
        assert filters.status() == FilterStatus("classic", "not supported")
    assert len(caplog.records) == 1


def test_the_classic_filter_can_be_asked_for() -> None:
    with closing(Filters(CLASSIC)) as filters:
        assert isinstance(filters.make(), ClassicFilter)
        assert filters.status() == FilterStatus("classic", "asked for")


def test_the_best_filter_is_chosen_by_itself(ebpf_filter: EbpfFilter) -> None:
    with closing(Filters(AUTO)) as filters:
        assert filters.status() == FilterStatus("ebpf", "best")


def test_where_programs_are_refused_later_the_classic_filter_stands_in(
    ebpf_filter: EbpfFilter, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(Filters(AUTO)) as filters, closing(filters.make()) as one, socket.socket() as sock:
        filters.refuse(BpfError("no eBPF filter: Permission denied", "not permitted"))
        one.attach(sock, Kept(SNAP, 14))
        assert isinstance(filters.make(), ClassicFilter)
        filters.say()
        assert filters.status() == FilterStatus("classic", "not permitted")
    assert len(caplog.records) == 1


WITHOUT_BPF = """
import logging, sys
from exporter.sources.filters import Filters
logging.basicConfig(format="%(message)s", stream=sys.stdout)
filters = Filters()
filters.say()
print(filters.status())
"""


def test_without_the_capability_the_classic_filter_does(ebpf_filter: EbpfFilter) -> None:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("no setpriv(1)")
    dropped = [setpriv, "--bounding-set=-bpf,-sys_admin", "--inh-caps=-bpf,-sys_admin"]
    command = [*dropped, sys.executable, "-c", WITHOUT_BPF]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told == ("no eBPF filter, using the classic one\nFilterStatus(name='classic', reason='not permitted')\n")
