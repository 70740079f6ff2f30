"""Assembles eBPF programs, without a compiler.

Source: Linux, Documentation/bpf/standardization/instruction-set.rst.
"""

import struct
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, FRAME = range(11)
BYTES = {1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18}  # sizes of loads and stores
ADD, SUBTRACT, OR, AND, SHIFT_LEFT, SHIFT_RIGHT, MULTIPLY, XOR = 0x00, 0x10, 0x40, 0x50, 0x60, 0x70, 0x20, 0xA0
EQUAL, MORE_THAN, AT_LEAST, SOME_BITS, NOT_EQUAL, LESS = 0x10, 0x20, 0x30, 0x40, 0x50, 0xA0
JUMP, EXIT = 0x05, 0x95  # what does not go on to the next instruction

# Helpers that programs call.
MAP_LOOKUP, MAP_UPDATE, MONOTONIC_TIME, LOAD_BYTES, PROBE_READ_KERNEL, SEQ_WRITE = 1, 2, 5, 26, 113, 127
RING_RESERVE, RING_SUBMIT, RING_DISCARD, RING_QUERY = 131, 132, 133, 134


@dataclass(frozen=True, slots=True)
class Op:
    """One instruction; `to` is the label that it jumps to, `high` the upper half of the number where it is `wide`."""

    code: int
    target: int = 0
    source: int = 0
    offset: int = 0
    number: int = 0
    to: str = ""
    wide: bool = False
    high: int = 0


Line = Op | str
"""An instruction, or a label for the one that follows."""


def move(target: int, source: int) -> Op:
    """Copy a register."""
    return Op(0xBF, target, source)


def put(target: int, number: int) -> Op:
    """Set a register to a number of 32 bits."""
    return Op(0xB7, target, number=number)


def put_twice(target: int, half: int) -> Op:
    """Set both halves of a register to the same number of 31 bits."""
    return Op(0x18, target, number=half, wide=True, high=half)


def compute(operation: int, target: int, source: int) -> Op:
    """Change a register by another."""
    return Op(0x0F | operation, target, source)


def compute_by(operation: int, target: int, number: int) -> Op:
    """Change a register by a number of 32 bits."""
    return Op(0x07 | operation, target, number=number)


def move_word(target: int, source: int) -> Op:
    """Copy the lower 32 bits of a register; the upper half becomes 0, as by all that is done to words."""
    return Op(0xBC, target, source)


def put_word(target: int, number: int) -> Op:
    """Set a register to a number of 32 bits that has no sign."""
    return Op(0xB4, target, number=number)


def compute_word(operation: int, target: int, source: int) -> Op:
    """Change the lower 32 bits of a register by another's."""
    return Op(0x0C | operation, target, source)


def compute_word_by(operation: int, target: int, number: int) -> Op:
    """Change the lower 32 bits of a register by a number."""
    return Op(0x04 | operation, target, number=number)


def load_packet(size: int, offset: int) -> Op:
    """Load from the packet into R0, in host order; R6 is the packet. Leaves the program where it ends before."""
    return Op(0x20 | BYTES[size], number=offset)


def load_packet_at(size: int, place: int, offset: int) -> Op:
    """Load from the packet as far behind the offset as a register says."""
    return Op(0x40 | BYTES[size], source=place, number=offset)


def to_network_half(target: int) -> Op:
    """Turn a half word from host to network order or back; all above it becomes 0."""
    return Op(0xDC, target, number=16)


def load(size: int, target: int, source: int, offset: int) -> Op:
    """Load from where a register points."""
    return Op(0x61 | BYTES[size], target, source, offset)


def store(size: int, target: int, offset: int, source: int) -> Op:
    """Store a register where another points."""
    return Op(0x63 | BYTES[size], target, source, offset)


def add_to(target: int, offset: int, source: int) -> Op:
    """Add a register to eight bytes where another points, at once for all processors."""
    return Op(0xDB, target, source, offset)


def clear(target: int, offset: int) -> Op:
    """Store eight bytes of zero where a register points."""
    return Op(0x7A, target, 0, offset)


def jump(to: str) -> Op:
    """Go to a label."""
    return Op(JUMP, to=to)


def jump_if(condition: int, one: int, other: int, to: str) -> Op:
    """Go to a label if two registers compare so."""
    return Op(0x0D | condition, one, other, to=to)


def jump_if_number(condition: int, one: int, number: int, to: str) -> Op:
    """Go to a label if a register and a number compare so."""
    return Op(0x05 | condition, one, number=number, to=to)


def jump_if_word(condition: int, one: int, other: int, to: str) -> Op:
    """Go to a label if the lower 32 bits of two registers compare so."""
    return Op(0x0E | condition, one, other, to=to)


def jump_if_word_number(condition: int, one: int, number: int, to: str) -> Op:
    """Go to a label if the lower 32 bits of a register and a number compare so."""
    return Op(0x06 | condition, one, number=number, to=to)


def call(helper: int) -> Op:
    """Call one of the kernel's helpers: arguments in R1 to R5, which are lost, the result in R0."""
    return Op(0x85, number=helper)


def call_function(number: int) -> Op:
    """Call one of the kernel's functions that are offered to programs, by its type's number; else as a helper."""
    return Op(0x85, source=2, number=number)


def map_pointer(target: int, map_descriptor: int) -> Op:
    """Point to a map."""
    return Op(0x18, target, 1, 0, map_descriptor, wide=True)


def map_value(target: int, map_descriptor: int) -> Op:
    """Point to the value of an array of one element."""
    return Op(0x18, target, 2, 0, map_descriptor, wide=True)


def leave(value: int = 0) -> tuple[Op, Op]:
    """Return from the program."""
    return put(R0, value), Op(EXIT)


def leave_with_word(value: int) -> tuple[Op, Op]:
    """Return a number of 32 bits that has no sign from the program."""
    return put_word(R0, value), Op(EXIT)


def reachable(lines: Sequence[Line]) -> list[Line]:
    """Return the program without what is never reached: the kernel refuses that.

    Raises:
        ValueError: a label is missing.
    """
    labels = {line: number for number, line in enumerate(lines) if isinstance(line, str)}
    reached: set[int] = set()
    ahead = [0]
    while ahead:
        number = ahead.pop()
        if number in reached or number >= len(lines):
            continue
        reached.add(number)
        line = lines[number]
        if isinstance(line, Op) and line.to:
            ahead.append(_place(labels, line.to))
        if isinstance(line, str) or line.code not in (JUMP, EXIT):
            ahead.append(number + 1)
    return [line for number, line in enumerate(lines) if number in reached]


def assemble(lines: Iterable[Line]) -> bytes:
    """Return the program with its labels resolved.

    Raises:
        ValueError: a label is missing, or too far away.
    """
    places: dict[str, int] = {}
    ops: list[tuple[int, Op]] = []
    at = 0
    for line in lines:
        if isinstance(line, str):
            places[line] = at
        else:
            ops.append((at, line))
            at += 1 + line.wide
    return b"".join(_encode(op, at, places) for at, op in ops)


def _encode(op: Op, at: int, places: dict[str, int]) -> bytes:
    offset = _place(places, op.to) - at - 1 if op.to else op.offset
    if not -(1 << 15) <= offset < 1 << 15:
        raise ValueError(f"an offset of {offset} in the program")
    registers = op.target | op.source << 4 if sys.byteorder == "little" else op.target << 4 | op.source
    return struct.pack("=BBhI", op.code, registers, offset, op.number & 0xFFFFFFFF) + (
        struct.pack("=4xI", op.high) if op.wide else b""
    )


def _place(places: Mapping[str, int], label: str) -> int:
    if label not in places:
        raise ValueError(f"no label {label!r} in the program")
    return places[label]
