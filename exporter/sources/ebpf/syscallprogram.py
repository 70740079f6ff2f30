"""The program that counts system calls in the kernel: calls and failures by process and number, as they return.

It hangs on the raw tracepoint `sys_exit`, as strace and perf count: what never returns is not counted. A switch in a
map turns it on and off at once, whatever attaching takes. Nothing is read but the call's number and result.

Source: Linux, include/trace/events/syscalls.h; arch/x86/include/asm/ptrace.h; arch/arm64/include/asm/ptrace.h.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exporter.sources.ebpf.assembler import (
    ADD,
    AND,
    EQUAL,
    FRAME,
    LESS,
    MAP_LOOKUP,
    MAP_UPDATE,
    NOT_EQUAL,
    OR,
    PROBE_READ_KERNEL,
    R0,
    R1,
    R2,
    R3,
    R4,
    R6,
    R7,
    R8,
    R9,
    SHIFT_LEFT,
    SHIFT_RIGHT,
    SOME_BITS,
    Line,
    add_to,
    assemble,
    call,
    compute,
    compute_by,
    jump,
    jump_if,
    jump_if_number,
    leave,
    load,
    map_pointer,
    map_value,
    move,
    put,
    store,
)
from exporter.sources.ebpf.numbering import SCRATCH_BYTES, number_within

UNNAMED = 0xFFF  # the number of calls that have no name here: of other ABIs, and such as no table knows
_PID = 14  # the helper bpf_get_current_pid_tgid
_TASK = 35  # bpf_get_current_task
_ONLY_NEW = 1  # BPF_NOEXIST
_LEAST_ERROR = -4095
_AT_MOST_UNSIGNED = 0xB0
# Places on the stack.
_REGISTERS, _KEY, _VALUE = -24, -32, -48
_NUMBER = _VALUE - SCRATCH_BYTES


@dataclass(frozen=True, slots=True)
class Registers:
    """Where a machine keeps a call's number in its saved registers.

    Attributes:
        at: of 24 bytes that hold both what follows, in bytes from the beginning.
        number: of the number, four bytes, in these.
        other_abi: of the eight bytes that tell calls of 32 bits apart, in these.
        other_bits: of these, what marks them; `other_is`, if they are equal to it.
    """

    at: int
    number: int
    other_abi: int
    other_bits: int
    other_is: int


REGISTERS = {
    "x86_64": Registers(at=120, number=0, other_abi=16, other_bits=0xFFFF, other_is=0x23),  # the code segment
    "aarch64": Registers(at=264, number=16, other_abi=0, other_bits=0x10, other_is=0x10),  # the processor's mode
}


@dataclass(frozen=True, slots=True)
class Maps:
    """The maps' descriptors.

    Attributes:
        counts: (process << 32 | number) -> calls, failures.
        switch: one element: whether to count; how many calls found no place.
    """

    counts: int
    switch: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """Which PID namespace, other than the first one, numbers the processes.

    Attributes:
        inode: the namespace's.
        offsets: of the members that `numbering` needs.
    """

    inode: int
    offsets: Mapping[str, int]


def counting(registers: Registers, maps: Maps, numbers: Numbers | None = None) -> bytes:
    """Return the program; without `numbers` it numbers processes as the kernel does, with them it counts no others."""
    return assemble(
        [
            move(R6, R1),
            map_value(R1, maps.switch),
            load(8, R1, R1, 0),
            jump_if_number(EQUAL, R1, 0, "out"),
            *_number(registers),
            *(_key() if numbers is None else _key_within(numbers)),
            *_failure(),
            *_count(maps),
            "out",
            *leave(),
        ]
    )


def _number(registers: Registers) -> Iterable[Line]:
    """Leave the call's number in R7."""
    number = _REGISTERS + registers.number
    return (
        load(8, R3, R6, 0),
        compute_by(ADD, R3, registers.at),
        move(R1, FRAME),
        compute_by(ADD, R1, _REGISTERS),
        put(R2, 24),
        call(PROBE_READ_KERNEL),
        jump_if_number(NOT_EQUAL, R0, 0, "out"),
        load(4, R7, FRAME, number),
        load(8, R1, FRAME, _REGISTERS + registers.other_abi),
        compute_by(AND, R1, registers.other_bits),
        jump_if_number(EQUAL, R1, registers.other_is, "unnamed"),
        jump_if_number(SOME_BITS, R7, -0x80000000, "out"),  # -1: a tracer or a filter made nothing of the call
        jump_if_number(_AT_MOST_UNSIGNED, R7, UNNAMED, "named"),
        "unnamed",
        put(R7, UNNAMED),
        "named",
    )


def _key() -> Iterable[Line]:
    return (
        call(_PID),
        compute_by(SHIFT_RIGHT, R0, 32),
        compute_by(SHIFT_LEFT, R0, 32),
        compute(OR, R0, R7),
        store(8, FRAME, _KEY, R0),
    )


def _key_within(numbers: Numbers) -> Iterable[Line]:
    return (
        call(_TASK),
        move(R8, R0),
        *number_within(numbers.offsets, numbers.inode, R8, _NUMBER, "out"),
        compute_by(SHIFT_LEFT, R0, 32),
        compute(OR, R0, R7),
        store(8, FRAME, _KEY, R0),
    )


def _failure() -> Iterable[Line]:
    """Leave in R8 whether the call failed: 1 or 0."""
    return (
        load(8, R9, R6, 8),
        put(R8, 0),
        put(R1, _LEAST_ERROR),
        jump_if(LESS, R9, R1, "counted"),  # unsigned: errors are the highest numbers of all
        put(R8, 1),
        "counted",
    )


def _count(maps: Maps) -> Iterable[Line]:
    return (
        *_look_up(maps.counts, "found"),
        put(R1, 1),
        store(8, FRAME, _VALUE, R1),
        store(8, FRAME, _VALUE + 8, R8),
        map_pointer(R1, maps.counts),
        move(R2, FRAME),
        compute_by(ADD, R2, _KEY),
        move(R3, FRAME),
        compute_by(ADD, R3, _VALUE),
        put(R4, _ONLY_NEW),
        call(MAP_UPDATE),
        jump_if_number(EQUAL, R0, 0, "out"),
        # Another processor was first, or there is no more room.
        *_look_up(maps.counts, "found"),
        map_value(R1, maps.switch),
        put(R2, 1),
        add_to(R1, 8, R2),
        jump("out"),
        "found",
        put(R1, 1),
        add_to(R0, 0, R1),
        add_to(R0, 8, R8),
    )


def _look_up(counts: int, found: str) -> Iterable[Line]:
    return (
        map_pointer(R1, counts),
        move(R2, FRAME),
        compute_by(ADD, R2, _KEY),
        call(MAP_LOOKUP),
        jump_if_number(NOT_EQUAL, R0, 0, found),
    )
