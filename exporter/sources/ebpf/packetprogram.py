"""Socket filters in eBPF, which find out how much of a long packet to copy; pure.

The classic filter judges each packet by itself. This one, made from it, knows two things more. How much room there is:
long packets are copied whole until so many bytes were copied since the ring was last read, then their heads, so that
bodies that nobody foresaw leave no other packet without room. And what went before: of packets that hold bodies the
head is copied of those that come first after the other side spoke, and of what follows in the same direction only the
headers. The acknowledgement number tells: it stands still for as long as the other side says nothing.

Source: Linux, net/core/filter.c, bpf_convert_filter, which translates classic filters as well.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from exporter.sources import classicfilter
from exporter.sources.ebpf import assembler
from exporter.sources.ebpf.assembler import (
    FRAME,
    R1,
    R2,
    R3,
    R4,
    Line,
    Op,
    compute_by,
    compute_word,
    compute_word_by,
    jump,
    jump_if_number,
    jump_if_word,
    jump_if_word_number,
    leave_with_word,
    load,
    load_packet,
    load_packet_at,
    map_pointer,
    move,
    move_word,
    put_word,
    store,
)
from exporter.sources.ebpf.ringprogram import Sink, short_segments_written, written
from exporter.sources.ebpf.shortpath import short_segments

KEY_BYTES, VALUE_BYTES = 12, 8  # the addresses' words and the ports; the acknowledgement number and bytes since
A, X, SAVED, CONTEXT = assembler.R0, assembler.R7, assembler.R8, assembler.R6  # as in the kernel's own translation
CELLS, KEY, VALUE = -80, -16, -32  # places on the stack
PRIME = 0x01000193  # spreads bits, as in FNV-1a

# What classic operations, comparisons and loads of the packet are here.
OPERATIONS = {
    classicfilter.AND: assembler.AND,
    classicfilter.SHIFT_LEFT: assembler.SHIFT_LEFT,
    classicfilter.SHIFT_RIGHT: assembler.SHIFT_RIGHT,
    classicfilter.XOR: assembler.XOR,
    classicfilter.MULTIPLY: assembler.MULTIPLY,
}
OPERATIONS_WITH_INDEX = {classicfilter.ADD_INDEX: assembler.ADD, classicfilter.XOR_INDEX: assembler.XOR}
CONDITIONS = {
    classicfilter.IF_EQUAL: assembler.EQUAL,
    classicfilter.IF_BITS: assembler.SOME_BITS,
    classicfilter.IF_MORE_THAN: assembler.MORE_THAN,
}
LOADS = {classicfilter.LOAD_BYTE: 1, classicfilter.LOAD_HALF: 2, classicfilter.LOAD_WORD: 4}
LOADS_INDEXED = {classicfilter.LOAD_BYTE_INDEXED: 1, classicfilter.LOAD_HALF_INDEXED: 2}


@dataclass(frozen=True, slots=True)
class Measure:
    """How much is copied of what a classic program keeps; packets up to the snap's `head_bytes` are copied whole.

    Attributes:
        snap: longer packets that hold `messages` are copied whole; of those that hold `bodies` the head is copied if
            they come first after the other side spoke, else their headers; others up to `whole_bytes` are copied whole
            as long as there is room, else their head.
        first_bytes: packets come first until so many bytes have come since.
        header_bytes: what is copied of bodies behind the first packets: all headers, and hardly more.
        link_header: 14 for Ethernet, 0 where frames begin with IP.
        flows: the descriptor of the map of flows.
        room: the descriptor of the map whose one number says how many more bytes may be copied whole.
        sink: where the program writes what is kept; None if it only says how much of it the kernel is to copy.
    """

    snap: classicfilter.Snap
    first_bytes: int
    header_bytes: int
    link_header: int
    flows: int
    room: int
    sink: Sink | None = None


def translate(program: bytes, measure: Measure, chooses_flows: bool = False) -> bytes:
    """Return the eBPF program, in structures of 8 bytes, that does what a classic one of `sources.classicfilter` does.

    Where that returns `classicfilter.JUDGED`, it is found out how much to copy.

    Args:
        chooses_flows: whether the classic one leaves out some flows.

    Raises:
        ValueError: an instruction is none of those that `sources.classicfilter` uses.
    """
    lines: list[Line] = [
        move(CONTEXT, R1),
        *(_short(measure) if not chooses_flows else ()),
        "others",
        put_word(A, 0),
        put_word(X, 0),
    ]
    for number, (code, then, otherwise, operand) in enumerate(struct.iter_unpack("=HBBI", program)):
        lines.append(f"{number}")
        if code in CONDITIONS:
            lines.append(jump_if_word_number(CONDITIONS[code], A, operand, f"{number + 1 + then}"))
            lines.append(jump(f"{number + 1 + otherwise}"))
        elif code == classicfilter.IF_MORE_THAN_INDEX:
            lines.append(jump_if_word(assembler.MORE_THAN, A, X, f"{number + 1 + then}"))
            lines.append(jump(f"{number + 1 + otherwise}"))
        elif code == classicfilter.JUMP:
            lines.append(jump(f"{number + 1 + operand}"))
        elif code == classicfilter.RETURN and operand == classicfilter.JUDGED:
            lines.append(jump("judged"))
        else:
            lines += _plain(code, operand)
    lines += ["judged", *_judge(measure)]
    if measure.sink is not None:
        lines = written(measure.sink, lines, CONTEXT)
    return assembler.assemble(assembler.reachable(lines))


def _short(measure: Measure) -> list[Line]:
    """Judge short segments at once, and write the commonest as well."""
    header, head, sink = measure.link_header, measure.snap.head_bytes, measure.sink
    lines = short_segments(header, CONTEXT, head, "others")
    if sink is None:
        return lines
    return [*short_segments_written(sink, header, CONTEXT, head, "no segment at once"), "no segment at once", *lines]


def _plain(code: int, operand: int) -> Sequence[Line]:
    """Return what does the same as a classic instruction that does not jump."""
    cell = CELLS + 4 * operand
    if code in LOADS:
        return [load_packet(LOADS[code], operand)]
    if code in LOADS_INDEXED:
        return [load_packet_at(LOADS_INDEXED[code], X, operand)]
    if code in OPERATIONS:
        return [compute_word_by(OPERATIONS[code], A, operand)]
    if code in OPERATIONS_WITH_INDEX:
        return [compute_word(OPERATIONS_WITH_INDEX[code], A, X)]
    if code == classicfilter.LOAD_HEADER_LENGTH:
        return [move_word(SAVED, A), *_header_length(operand), move_word(A, SAVED)]
    known: dict[int, Sequence[Line]] = {
        classicfilter.LOAD_LENGTH: [_length(A)],
        classicfilter.TO_INDEX: [move_word(X, A)],
        classicfilter.KEEP: [store(4, FRAME, cell, A)],
        classicfilter.LOAD_INDEX_KEPT: [load(4, X, FRAME, cell)],
        classicfilter.LOAD_KEPT: [load(4, A, FRAME, cell)],
        classicfilter.LOAD_VALUE: [put_word(A, operand)],
        classicfilter.RETURN: leave_with_word(operand),
    }
    if code not in known:
        raise ValueError(f"no translation of the instruction {code:#x}")
    return known[code]


def _length(register: int) -> Op:
    """Load the packet's length."""
    return load(4, register, CONTEXT, 0)


def _header_length(ip: int) -> list[Line]:
    return [
        load_packet(1, ip),
        compute_word_by(assembler.AND, A, 15),
        compute_word_by(assembler.SHIFT_LEFT, A, 2),
        move_word(X, A),
    ]


def _judge(measure: Measure) -> list[Line]:
    """Answer by the packet's length, then by what its server is known for, then by the room there is."""
    snap = measure.snap
    known = [
        load(4, A, FRAME, CELLS + 4 * classicfilter.CUT_CELL),
        *([jump_if_word_number(assembler.EQUAL, A, classicfilter.BODY, "body")] if snap.bodies else []),
        *([jump_if_word_number(assembler.EQUAL, A, classicfilter.MESSAGES, "whole")] if snap.messages else []),
    ]
    lines: list[Line] = [
        _length(A),
        jump_if_word_number(assembler.MORE_THAN, A, snap.head_bytes, "long"),
        "whole",
        *leave_with_word(classicfilter.WHOLE),
        "long",
        move_word(SAVED, A),
        *(known if snap.bodies or snap.messages else []),
        jump_if_word_number(assembler.MORE_THAN, SAVED, snap.whole_bytes, "head"),
        put_word(A, 0),
        store(4, FRAME, KEY, A),
        *_map_call(measure.room, assembler.MAP_LOOKUP),
        jump_if_number(assembler.EQUAL, A, 0, "head"),
        load(4, X, A, 0),
        jump_if_word(assembler.LESS, X, SAVED, "head"),
        compute_word(assembler.SUBTRACT, X, SAVED),
        store(4, A, 0, X),
        *leave_with_word(classicfilter.WHOLE),
        "head",
        *leave_with_word(snap.head_bytes),
    ]
    return [*lines, *(_body(measure) if snap.bodies else [])]


def _body(measure: Measure) -> list[Line]:
    """Look the packet's flow up, and answer by what went before it."""
    ip = measure.link_header
    return [
        "body",
        *_version(ip),
        "v4",
        *_keep_word(ip + 12, KEY),
        *_keep_word(ip + 16, KEY + 4),
        *_header_length(ip),
        jump("tcp"),
        "v6",
        *_keep_folded(ip + 8, KEY),
        *_keep_folded(ip + 24, KEY + 4),
        put_word(X, 40),
        "tcp",
        load_packet_at(4, X, ip),
        store(4, FRAME, KEY + 8, A),
        load_packet_at(4, X, ip + 8),
        move_word(SAVED, A),
        *_asked(measure),
    ]


def _version(ip: int) -> list[Line]:
    size, four, six = (2, 0x800, 0x86DD) if ip else (1, 0x40, 0x60)
    return [
        load_packet(size, 12 if ip else 0),
        *([] if ip else [compute_word_by(assembler.AND, A, 0xF0)]),
        jump_if_word_number(assembler.EQUAL, A, four, "v4"),
        jump_if_word_number(assembler.EQUAL, A, six, "v6"),
        jump("whole"),
    ]


def _keep_word(place: int, cell: int) -> list[Line]:
    return [load_packet(4, place), store(4, FRAME, cell, A)]


def _keep_folded(place: int, cell: int) -> list[Line]:
    """Keep a word made of an IPv6 address."""
    lines: list[Line] = [put_word(X, 0)]
    for word in range(4):
        lines += [
            compute_word_by(assembler.MULTIPLY, X, PRIME),
            load_packet(4, place + 4 * word),
            compute_word(assembler.XOR, X, A),
        ]
    return [*lines, store(4, FRAME, cell, X)]


def _asked(measure: Measure) -> list[Line]:
    """Answer the head for the first packets with the acknowledgement number in the register `SAVED`, then headers."""
    head = measure.snap.head_bytes
    return [
        *_map_call(measure.flows, assembler.MAP_LOOKUP),
        jump_if_number(assembler.EQUAL, A, 0, "new"),
        load(4, X, A, 0),
        load(4, R1, A, 4),
        jump_if_word(assembler.EQUAL, X, SAVED, "same"),
        store(4, A, 0, SAVED),
        put_word(R1, 0),
        "same",
        jump_if_word_number(assembler.LESS, R1, measure.first_bytes, "first"),
        *leave_with_word(measure.header_bytes),
        "first",
        _length(R2),
        compute_word(assembler.ADD, R1, R2),
        store(4, A, 4, R1),
        *leave_with_word(head),
        "new",
        store(4, FRAME, VALUE, SAVED),
        _length(R1),
        store(4, FRAME, VALUE + 4, R1),
        move(R3, FRAME),
        compute_by(assembler.ADD, R3, VALUE),
        put_word(R4, 0),
        *_map_call(measure.flows, assembler.MAP_UPDATE),
        *leave_with_word(head),
    ]


def _map_call(map_descriptor: int, helper: int) -> list[Line]:
    return [
        move(R2, FRAME),
        compute_by(assembler.ADD, R2, KEY),
        map_pointer(R1, map_descriptor),
        assembler.call(helper),
    ]
