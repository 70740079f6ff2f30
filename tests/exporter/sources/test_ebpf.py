"""The translated filters, run by the kernel on packets made by hand, where that is permitted."""

import ctypes
import os
import platform
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from exporter.net.lengths import Bodies
from exporter.sources import bpfcalls, ebpf
from exporter.sources.bpf import WHOLE, Sample, Snap, payload_filter
from exporter.sources.ebpf_load import TurnFilter
from exporter.sources.errors import SourceError
from tests.exporter.net.packets import CLIENT, SERVER, tcp
from tests.exporter.sources.test_bpf import CLIENT6, DROPPED, KEPT, SERVER6
from tests.exporter.sources.test_bpf import run as run_classic

TEST_RUN = 10
WHOLE_BYTES, HEAD = 3000, 300
SNAP = Snap(HEAD, HEAD)


@pytest.fixture
def turns() -> Iterator[TurnFilter]:
    """A filter by turns, with its map."""
    try:
        made = TurnFilter(WHOLE_BYTES, HEAD, 0)
    except SourceError as error:
        pytest.skip(str(error))
    with closing(made):
        yield made


@contextmanager
def loaded(turns: TurnFilter, program: bytes) -> Iterator[int]:
    """Give the descriptor of a program's translation."""
    descriptor = turns.load(program)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def run(descriptor: int, frame: bytes) -> int:
    """Have the kernel run a program on a frame, which it sees without the Ethernet header; return what it returns."""
    data = ctypes.create_string_buffer(frame, len(frame))
    attributes = struct.pack("=4IQQ2I", descriptor, 0, len(frame), 0, ctypes.addressof(data), 0, 0, 0)
    buffer = ctypes.create_string_buffer(attributes, 128)
    libc = ctypes.CDLL(None, use_errno=True)
    number = ctypes.c_long(bpfcalls.NUMBERS[platform.machine()])
    done = libc.syscall(number, ctypes.c_int(TEST_RUN), buffer, ctypes.c_uint(128))
    assert done == 0, os.strerror(ctypes.get_errno())
    return int(struct.unpack_from("=I", buffer.raw, 4)[0])


@pytest.mark.parametrize("bodies", [frozenset(), frozenset(Bodies(port, port % 2) for port in range(16))])
@pytest.mark.parametrize("sample", [Sample(), Sample(4, 77)])
def test_the_kernel_keeps_of_short_packets_what_the_classic_program_keeps(
    turns: TurnFilter, sample: Sample, bodies: frozenset[Bodies]
) -> None:
    program = payload_filter(Snap(HEAD, HEAD, bodies), 0, sample=sample)
    with loaded(turns, program) as descriptor:
        for name, frame in (KEPT | DROPPED).items():
            if len(frame) > 14 + 20:
                assert run(descriptor, frame) == run_classic(program, frame[14:]), name


@pytest.mark.parametrize("header", [0, 14])
@pytest.mark.parametrize("datagrams", [False, True])
def test_the_verifier_accepts_every_program(turns: TurnFilter, header: int, datagrams: bool) -> None:
    for sample in (Sample(), Sample(1 << 16, 5)):
        with closing(TurnFilter(WHOLE_BYTES, HEAD, header)) as other:
            other_descriptor = other.load(payload_filter(SNAP, header, datagrams, sample))
            os.close(other_descriptor)


@pytest.mark.parametrize("sides", [(CLIENT, SERVER), (CLIENT6, SERVER6)])
def test_long_packets_are_whole_until_enough_was_copied_of_the_turn(
    turns: TurnFilter, sides: tuple[tuple[str, int], tuple[str, int]]
) -> None:
    client, server = sides
    with loaded(turns, payload_filter(SNAP, 0)) as descriptor:

        def answer(ack: int, size: int = 1200) -> int:
            return run(descriptor, tcp(server, client, 1, bytes(size), ack=ack))

        assert [answer(500) for _ in range(5)] == [WHOLE, WHOLE, WHOLE, HEAD, HEAD]
        assert answer(500, 50) == WHOLE
        assert run(descriptor, tcp(client, server, 1, bytes(1200), ack=9)) == WHOLE
        assert answer(600) == WHOLE
        assert run(descriptor, tcp((server[0], 9), client, 1, bytes(1200), ack=600)) == WHOLE


def test_other_long_packets_are_whole(turns: TurnFilter) -> None:
    fragment = bytearray(tcp(CLIENT, SERVER, 1, bytes(1200)))
    fragment[20] = 0x20
    with loaded(turns, payload_filter(SNAP, 0)) as descriptor:
        for _ in range(5):
            assert run(descriptor, bytes(fragment)) == WHOLE


def test_what_cannot_be_translated_is_refused() -> None:
    with pytest.raises(ValueError, match="0x87"):
        ebpf.translate(struct.pack("=HBBI", 0x87, 0, 0, 0), ebpf.Turns(1, 1, 14, 0))


def test_a_machine_without_a_known_number_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "pdp11")
    with pytest.raises(SourceError, match=r"bpf\(2\) is not known on pdp11"):
        TurnFilter(1, 1, 14)
