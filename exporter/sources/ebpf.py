"""The socket filters again, translated to eBPF, where long packets are told apart by the flow that they belong to.

Of long TCP packets those are copied whole that come first after the other side spoke: messages, and heads of bodies. Of
what follows in the same direction only the head is copied. The acknowledgement number tells: it stands still for as
long as the other side says nothing. Short packets, and what is no plain TCP, are decided by the classic program alone.

Source: Linux, Documentation/bpf/standardization/instruction-set.rst; include/uapi/linux/bpf.h; net/core/filter.c.
"""

import struct
from dataclasses import dataclass

from exporter.sources import bpf

KEY_BYTES, VALUE_BYTES = 12, 8  # the addresses' words and the ports; the acknowledgement number and bytes since
A, X, SAVED, CONTEXT, FRAME = 0, 7, 8, 6, 10  # registers, as the kernel's own translation uses them
CELLS, KEY, VALUE = -80, -16, -32  # places on the stack

MOVE_VALUE, MOVE, LOAD, STORE, EXIT, CALL = 0xB4, 0xBC, 0x61, 0x63, 0x95, 0x85
MOVE_LONG, ADD_LONG, LOAD_MAP, PSEUDO_MAP = 0xBF, 0x07, 0x18, 1
SHORT_JUMP = {  # classic comparisons as those of 32 bits
    bpf.IF_EQUAL: 0x16,
    bpf.IF_BITS: 0x46,
    bpf.IF_MORE_THAN: 0x26,
    bpf.IF_MORE_THAN_INDEX: 0x2E,
}
IF_OTHER_REGISTER, IF_LESS, IF_NULL = 0x5E, 0xA6, 0x15
LOOK_UP, UPDATE = 1, 2  # helpers


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction; `target` is a label where it jumps."""

    code: int
    to: int = 0
    source: int = 0
    offset: int = 0
    value: int = 0
    target: str = ""


Line = Step | str


@dataclass(frozen=True, slots=True)
class Turns:
    """What is copied of long packets.

    Attributes:
        whole_bytes: of long packets after a change of direction, until so many bytes were copied.
        head_bytes: of each packet after those; what the classic program returns for a long packet.
        link_header: 14 for Ethernet, 0 where frames begin with IP.
        flows: the descriptor of the map.
    """

    whole_bytes: int
    head_bytes: int
    link_header: int
    flows: int


def translate(program: bytes, turns: Turns) -> bytes:
    """Return the eBPF program, in structures of 8 bytes, that does what a classic one of `sources.bpf` does.

    Where that returns `turns.head_bytes`, the flow is asked.

    Raises:
        ValueError: an instruction is none of those that `sources.bpf` uses.
    """
    lines: list[Line] = [Step(MOVE_LONG, CONTEXT, 1), Step(MOVE_VALUE, A), Step(MOVE_VALUE, X)]
    for number, (code, then, otherwise, operand) in enumerate(struct.iter_unpack("=HBBI", program)):
        lines.append(f"{number}")
        if code in SHORT_JUMP:
            lines.append(Step(SHORT_JUMP[code], A, X if code & 8 else 0, value=operand, target=f"{number + 1 + then}"))
            lines.append(Step(bpf.JUMP, target=f"{number + 1 + otherwise}"))
        elif code == bpf.JUMP:
            lines.append(Step(bpf.JUMP, target=f"{number + 1 + operand}"))
        elif code == bpf.RETURN and operand == turns.head_bytes:
            lines.append(Step(bpf.JUMP, target="long"))
        else:
            lines += _plain(code, operand)
    return resolve([*lines, "long", *_long(turns)])


def _plain(code: int, operand: int) -> list[Line]:
    """Return what does the same as a classic instruction that does not jump."""
    cell = CELLS + 4 * operand
    if code in (bpf.LOAD_HALF, bpf.LOAD_BYTE, bpf.LOAD_WORD):
        return [Step(code, value=operand)]
    if code in (bpf.LOAD_HALF_INDEXED, bpf.LOAD_BYTE_INDEXED):
        return [Step(code, source=X, value=operand)]
    if code in (bpf.AND, bpf.SHIFT_LEFT, bpf.SHIFT_RIGHT, bpf.XOR, bpf.MULTIPLY):
        return [Step(code, A, value=operand)]
    if code in (bpf.ADD_INDEX, bpf.XOR_INDEX):
        return [Step(code, A, X)]
    if code == bpf.LOAD_HEADER_LENGTH:
        return [Step(MOVE, SAVED, A), *_header_length(operand), Step(MOVE, A, SAVED)]
    known: dict[int, list[Line]] = {
        bpf.LOAD_LENGTH: [Step(LOAD, A, CONTEXT)],
        bpf.TO_INDEX: [Step(MOVE, X, A)],
        bpf.KEEP: [Step(STORE, FRAME, A, cell)],
        bpf.LOAD_INDEX_KEPT: [Step(LOAD, X, FRAME, cell)],
        bpf.LOAD_KEPT: [Step(LOAD, A, FRAME, cell)],
        bpf.LOAD_VALUE: [Step(MOVE_VALUE, A, value=operand)],
        bpf.RETURN: _answer(operand),
    }
    if code not in known:
        raise ValueError(f"no translation of the instruction {code:#x}")
    return known[code]


def _answer(size: int) -> list[Line]:
    return [Step(MOVE_VALUE, A, value=size), Step(EXIT)]


def _header_length(ip: int) -> list[Line]:
    return [
        Step(bpf.LOAD_BYTE, value=ip),
        Step(bpf.AND, A, value=15),
        Step(bpf.SHIFT_LEFT, A, value=2),
        Step(MOVE, X, A),
    ]


def _long(turns: Turns) -> list[Line]:
    """Look the packet's flow up, and answer by what went before it."""
    ip = turns.link_header
    return [
        *_version(ip),
        "v4",
        Step(bpf.LOAD_BYTE, value=ip + 9),
        Step(0x56, A, value=6, target="whole"),
        Step(bpf.LOAD_HALF, value=ip + 6),
        Step(0x46, A, value=0x3FFF, target="whole"),
        *_keep_word(ip + 12, KEY),
        *_keep_word(ip + 16, KEY + 4),
        *_header_length(ip),
        Step(bpf.JUMP, target="tcp"),
        "v6",
        Step(bpf.LOAD_BYTE, value=ip + 6),
        Step(0x56, A, value=6, target="whole"),
        *_keep_folded(ip + 8, KEY),
        *_keep_folded(ip + 24, KEY + 4),
        Step(MOVE_VALUE, X, value=40),
        "tcp",
        Step(0x40, source=X, value=ip),
        Step(STORE, FRAME, A, KEY + 8),
        Step(0x40, source=X, value=ip + 8),
        Step(MOVE, SAVED, A),
        *_asked(turns),
    ]


def _version(ip: int) -> list[Line]:
    load, four, six = (bpf.LOAD_HALF, 0x800, 0x86DD) if ip else (bpf.LOAD_BYTE, 0x40, 0x60)
    return [
        Step(load, value=12 if ip else 0),
        *([] if ip else [Step(bpf.AND, A, value=0xF0)]),
        Step(SHORT_JUMP[bpf.IF_EQUAL], A, value=four, target="v4"),
        Step(SHORT_JUMP[bpf.IF_EQUAL], A, value=six, target="v6"),
        Step(bpf.JUMP, target="whole"),
    ]


def _keep_word(place: int, cell: int) -> list[Line]:
    return [Step(bpf.LOAD_WORD, value=place), Step(STORE, FRAME, A, cell)]


def _keep_folded(place: int, cell: int) -> list[Line]:
    """Keep a word made of an IPv6 address."""
    lines: list[Line] = [Step(MOVE_VALUE, X)]
    for word in range(4):
        lines += [
            Step(0x24, X, value=0x01000193),
            Step(bpf.LOAD_WORD, value=place + 4 * word),
            Step(bpf.XOR_INDEX, X, A),
        ]
    return [*lines, Step(STORE, FRAME, X, cell)]


def _asked(turns: Turns) -> list[Line]:
    """Answer whole for the first long packets with the acknowledgement number in the register `SAVED`, then heads."""
    return [
        *_map_call(turns.flows, LOOK_UP),
        Step(IF_NULL, A, target="new"),
        Step(LOAD, X, A, 0),
        Step(LOAD, 1, A, 4),
        Step(0x1E, X, SAVED, target="same"),
        Step(STORE, A, SAVED, 0),
        Step(MOVE_VALUE, 1),
        "same",
        Step(IF_LESS, 1, value=turns.whole_bytes, target="room"),
        *_answer(turns.head_bytes),
        "room",
        Step(LOAD, 2, CONTEXT),
        Step(bpf.ADD_INDEX, 1, 2),
        Step(STORE, A, 1, 4),
        "whole",
        *_answer(bpf.WHOLE),
        "new",
        Step(STORE, FRAME, SAVED, VALUE),
        Step(LOAD, 1, CONTEXT),
        Step(STORE, FRAME, 1, VALUE + 4),
        Step(MOVE_LONG, 3, FRAME),
        Step(ADD_LONG, 3, value=VALUE),
        Step(MOVE_VALUE, 4),
        *_map_call(turns.flows, UPDATE),
        *_answer(bpf.WHOLE),
    ]


def _map_call(flows: int, helper: int) -> list[Line]:
    return [
        Step(MOVE_LONG, 2, FRAME),
        Step(ADD_LONG, 2, value=KEY),
        Step(LOAD_MAP, 1, PSEUDO_MAP, value=flows),
        Step(0),  # the upper half of the map's number
        Step(CALL, value=helper),
    ]


def resolve(lines: list[Line]) -> bytes:
    """Return the program with its labels resolved, without what is never reached: the kernel refuses that."""
    reached = _reached(lines)
    places: dict[str, int] = {}
    steps: list[Step] = []
    for number, line in enumerate(lines):
        if isinstance(line, str):
            places[line] = len(steps)
        elif number in reached:
            steps.append(line)
    return b"".join(_encode(step, number, places) for number, step in enumerate(steps))


def _reached(lines: list[Line]) -> set[int]:
    labels = {line: number for number, line in enumerate(lines) if isinstance(line, str)}
    reached: set[int] = set()
    ahead = [0]
    while ahead:
        number = ahead.pop()
        if number in reached:
            continue
        reached.add(number)
        line = lines[number]
        if isinstance(line, Step) and line.target:
            ahead.append(labels[line.target])
        if isinstance(line, str) or line.code not in (bpf.JUMP, EXIT):
            ahead.append(number + 1)
    return reached


def _encode(step: Step, number: int, places: dict[str, int]) -> bytes:
    offset = places[step.target] - number - 1 if step.target else step.offset
    return struct.pack("=BBhI", step.code, step.to | step.source << 4, offset, step.value & 0xFFFFFFFF)
