"""Socket filters in eBPF, which find out how much of a long packet to copy; pure.

The classic filter judges each packet by itself. This one, made from it, knows two things more. How much room there is:
long packets are copied whole until so many bytes were copied since the ring was last read, then their heads, so that
bodies that nobody foresaw leave no other packet without room. And what went before: of packets that hold bodies the
head is copied of those that come first after the other side spoke, and of what follows in the same direction only the
headers. The acknowledgement number tells: it stands still for as long as the other side says nothing.

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
IF_EQUAL_REGISTER, IF_LESS_REGISTER, IF_LESS, IF_NULL = 0x1E, 0xAE, 0xA6, 0x15
SUBTRACT, LOAD_WORD_INDEXED = 0x1C, 0x40
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
    """

    snap: bpf.Snap
    first_bytes: int
    header_bytes: int
    link_header: int
    flows: int
    room: int


def translate(program: bytes, measure: Measure) -> bytes:
    """Return the eBPF program, in structures of 8 bytes, that does what a classic one of `sources.bpf` does.

    Where that returns `bpf.JUDGED`, it is found out how much to copy.

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
        elif code == bpf.RETURN and operand == bpf.JUDGED:
            lines.append(Step(bpf.JUMP, target="judged"))
        else:
            lines += _plain(code, operand)
    return resolve([*lines, "judged", *_judge(measure)])


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


def _judge(measure: Measure) -> list[Line]:
    """Answer by the packet's length, then by what its server is known for, then by the room there is."""
    snap = measure.snap
    known = [
        Step(LOAD, A, FRAME, CELLS + 4 * bpf.CUT_CELL),
        *([Step(SHORT_JUMP[bpf.IF_EQUAL], A, value=bpf.BODY, target="body")] if snap.bodies else []),
        *([Step(SHORT_JUMP[bpf.IF_EQUAL], A, value=bpf.MESSAGES, target="whole")] if snap.messages else []),
    ]
    lines: list[Line] = [
        Step(LOAD, A, CONTEXT),
        Step(SHORT_JUMP[bpf.IF_MORE_THAN], A, value=snap.head_bytes, target="long"),
        "whole",
        *_answer(bpf.WHOLE),
        "long",
        Step(MOVE, SAVED, A),
        *(known if snap.bodies or snap.messages else []),
        Step(SHORT_JUMP[bpf.IF_MORE_THAN], SAVED, value=snap.whole_bytes, target="head"),
        Step(MOVE_VALUE, A),
        Step(STORE, FRAME, A, KEY),
        *_map_call(measure.room, LOOK_UP),
        Step(IF_NULL, A, target="head"),
        Step(LOAD, X, A),
        Step(IF_LESS_REGISTER, X, SAVED, target="head"),
        Step(SUBTRACT, X, SAVED),
        Step(STORE, A, X),
        *_answer(bpf.WHOLE),
        "head",
        *_answer(snap.head_bytes),
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
        Step(bpf.JUMP, target="tcp"),
        "v6",
        *_keep_folded(ip + 8, KEY),
        *_keep_folded(ip + 24, KEY + 4),
        Step(MOVE_VALUE, X, value=40),
        "tcp",
        Step(LOAD_WORD_INDEXED, source=X, value=ip),
        Step(STORE, FRAME, A, KEY + 8),
        Step(LOAD_WORD_INDEXED, source=X, value=ip + 8),
        Step(MOVE, SAVED, A),
        *_asked(measure),
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


def _asked(measure: Measure) -> list[Line]:
    """Answer the head for the first packets with the acknowledgement number in the register `SAVED`, then headers."""
    head = measure.snap.head_bytes
    return [
        *_map_call(measure.flows, LOOK_UP),
        Step(IF_NULL, A, target="new"),
        Step(LOAD, X, A, 0),
        Step(LOAD, 1, A, 4),
        Step(IF_EQUAL_REGISTER, X, SAVED, target="same"),
        Step(STORE, A, SAVED, 0),
        Step(MOVE_VALUE, 1),
        "same",
        Step(IF_LESS, 1, value=measure.first_bytes, target="first"),
        *_answer(measure.header_bytes),
        "first",
        Step(LOAD, 2, CONTEXT),
        Step(bpf.ADD_INDEX, 1, 2),
        Step(STORE, A, 1, 4),
        *_answer(head),
        "new",
        Step(STORE, FRAME, SAVED, VALUE),
        Step(LOAD, 1, CONTEXT),
        Step(STORE, FRAME, 1, VALUE + 4),
        Step(MOVE_LONG, 3, FRAME),
        Step(ADD_LONG, 3, value=VALUE),
        Step(MOVE_VALUE, 4),
        *_map_call(measure.flows, UPDATE),
        *_answer(head),
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
