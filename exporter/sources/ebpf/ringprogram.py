"""The end of a packet filter that copies what it keeps into a BPF ring buffer itself; pure.

The kernel then has nothing left to do for the packet socket, which does without a ring of its own: keeping a packet so
costs about half. An entry is as `exporter.net.entries` reads it; entries are of some sizes, as the verifier wants to
know how long each is, and those of one size serve all packets that are up to a half shorter.

Source: Linux, Documentation/bpf/ringbuf.rst.
"""

from dataclasses import dataclass

from exporter.sources.ebpf import assembler
from exporter.sources.ebpf.assembler import (
    R0,
    R1,
    R2,
    R3,
    R4,
    Line,
    Op,
    call,
    compute_word_by,
    jump,
    jump_if_number,
    jump_if_word,
    jump_if_word_number,
    leave_with_word,
    load,
    map_pointer,
    map_value,
    move,
    move_word,
    put,
    put_word,
    store,
)
from exporter.sources.ebpf.shortpath import segments

HEAD_BYTES = 16  # of what is written before the packet: when, how long it was, how much was copied
WAITING_BYTES = 0  # what a query asks for
NOBODY_WOKEN, SOMEBODY_WOKEN = 1, 2
PASSED_ON = 0xFFFFFFFF  # TCX_NEXT
CROSSING_BYTES = 1 << 14  # entries of more than one processor may pass the mark at once, each seeing all of them
SMALL = (64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)
LARGE = tuple(size for power in range(9, 18) for size in (1 << power, 3 << power - 1))
ENTRY, COPIED = assembler.R8, assembler.R7
HEADERS_BYTES, TIMES_BYTES = 40, 12  # of IP and TCP, and of TCP's option of two times


@dataclass(frozen=True, slots=True)
class Sink:
    """Where packets are written.

    Attributes:
        ring: the descriptor of the ring buffer.
        dropped: the descriptor of an array of one number of eight bytes: the packets for which it had no room.
        size_bytes: of the ring buffer.
        wake_bytes: its reader is woken when so much waits.
        passes_on: whether the program is for an interface, which is to let everything pass, not for a socket.
    """

    ring: int
    dropped: int
    size_bytes: int
    wake_bytes: int
    passes_on: bool = False


def written(sink: Sink, lines: list[Line], context: int) -> list[Line]:
    """Return the program that writes as much of a packet as the given one would have had copied.

    Args:
        context: the register of the packet.
    """
    answering = [jump("answered") if isinstance(line, Op) and line.code == assembler.EXIT else line for line in lines]
    return [
        *answering,
        "answered",
        jump_if_word_number(assembler.EQUAL, R0, 0, "left"),
        load(4, COPIED, context, 0),
        jump_if_word(assembler.AT_LEAST, R0, COPIED, "whole packet"),
        move_word(COPIED, R0),
        "whole packet",
        *_reserve(sink, sink.size_bytes // 4, "fill"),
        "fill",
        *_fill(context, "hand over", "give back"),
        "give back",
        *_discard("left"),
        "hand over",
        *_hand_over(sink),
        "full",
        put(R1, 1),
        map_value(R2, sink.dropped),
        assembler.add_to(R2, 0, R1),
        "left",
        *leave_with_word(PASSED_ON if sink.passes_on else 0),
    ]


def short_segments_written(sink: Sink, link_header: int, context: int, head_bytes: int, otherwise: str) -> list[Line]:
    """Return what writes short TCP segments at once, and goes on at the label with all else.

    Whether that is what it looks like is seen where it was written, so that a packet is read once. What may well be an
    acknowledgement alone is all else: it is not to be written.

    Args:
        link_header: 14 for Ethernet, 0 where frames begin with IP.
        context: the register of the packet.
        head_bytes: packets up to this length are copied whole.
    """
    most = max(size for size in sizes(sink.size_bytes // 4) if size <= max(head_bytes, SMALL[1]))
    return [
        load(4, COPIED, context, 0),
        jump_if_word_number(assembler.MORE_THAN, COPIED, min(head_bytes, most), otherwise),
        jump_if_word_number(assembler.LESS, COPIED, link_header + HEADERS_BYTES + TIMES_BYTES + 1, otherwise),
        *_reserve(sink, most, "written"),
        "written",
        *_fill(context, "seen", "unlike"),
        "unlike",
        *_discard(otherwise),
        "seen",
        *segments(ENTRY, HEAD_BYTES, link_header, "unlike"),
        jump_if_word(assembler.MORE_THAN, R0, R1, "hand over"),
        jump("give back"),
    ]


def sizes(most: int) -> list[int]:
    """Return how long packets may be for which there are entries, up to so long."""
    return [size for size in (*SMALL, *LARGE) if size <= most]


def _reserve(sink: Sink, most: int, to: str) -> list[Line]:
    """Take the smallest entry that the packet fits in, and go to a label; of what is longer than any, a part."""
    found = sizes(most)
    lines: list[Line] = [
        jump_if_word_number(assembler.LESS, COPIED, found[-1], f"{to} 0"),
        put_word(COPIED, found[-1]),
    ]
    for number, size in enumerate(found):
        lines += [f"{to} {number}"]
        if number + 1 < len(found):
            lines += [jump_if_word_number(assembler.MORE_THAN, COPIED, size, f"{to} {number + 1}")]
        lines += [
            map_pointer(R1, sink.ring),
            put_word(R2, HEAD_BYTES + size),
            put_word(R3, 0),
            call(assembler.RING_RESERVE),
            jump_if_number(assembler.EQUAL, R0, 0, "full"),
            jump(to),
        ]
    return lines


def _fill(context: int, done: str, failed: str) -> list[Line]:
    """Write when the packet came, and as much of it as is wanted."""
    return [
        move(ENTRY, R0),
        call(assembler.MONOTONIC_TIME),
        store(8, ENTRY, 0, R0),
        load(4, R0, context, 0),
        store(4, ENTRY, 8, R0),
        store(4, ENTRY, 12, COPIED),
        move(R1, context),
        put_word(R2, 0),
        move(R3, ENTRY),
        assembler.compute_by(assembler.ADD, R3, HEAD_BYTES),
        move_word(R4, COPIED),
        jump_if_number(assembler.EQUAL, R4, 0, failed),
        call(assembler.LOAD_BYTES),
        jump_if_number(assembler.EQUAL, R0, 0, done),
    ]


def _discard(to: str) -> list[Line]:
    """Give the entry up."""
    return [
        move(R1, ENTRY),
        put_word(R2, NOBODY_WOKEN),
        call(assembler.RING_DISCARD),
        jump(to),
    ]


def _hand_over(sink: Sink) -> list[Line]:
    """Hand the entry over; wake the reader if this one, or another just now, made so much wait."""
    return [
        map_pointer(R1, sink.ring),
        put_word(R2, WAITING_BYTES),
        call(assembler.RING_QUERY),
        put_word(R2, NOBODY_WOKEN),
        compute_word_by(assembler.SUBTRACT, R0, sink.wake_bytes),
        move_word(R1, COPIED),
        compute_word_by(assembler.SHIFT_LEFT, R1, 1),  # the entry is not twice as long as what it holds
        compute_word_by(assembler.ADD, R1, CROSSING_BYTES),
        jump_if_word(assembler.AT_LEAST, R0, R1, "nobody woken"),
        put_word(R2, SOMEBODY_WOKEN),
        "nobody woken",
        move(R1, ENTRY),
        call(assembler.RING_SUBMIT),
        jump("left"),
    ]
