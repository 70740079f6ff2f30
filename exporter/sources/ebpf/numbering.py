"""The part of a program that tells a process's number in a PID namespace other than the first; pure.

The kernel numbers a process in its own namespace and in every one around that. Source: Linux, include/linux/pid.h.
"""

from collections.abc import Iterator, Mapping

from exporter.sources.ebpf import assembler
from exporter.sources.ebpf.assembler import FRAME, R0, R1, R2, R3, R8, R9, Line

MEMBERS = (
    *("task_struct.group_leader", "task_struct.thread_pid", "pid.level", "pid.numbers"),
    *("upid.nr", "upid.ns", "pid_namespace.ns.inum"),
)
SCRATCH_BYTES = 16
_NUMBER_SHIFT = 4  # one `upid` takes 16 bytes
_DEEPEST = 63  # MAX_PID_NS_LEVEL is 32; the kernel must see that the search ends


def number_within(at: Mapping[str, int], inode: int, task: int, place: int, outside: str) -> Iterator[Line]:
    """Leave in R0 the number of the process of a thread; goes to `outside` where the namespace has none for it.

    R1 to R5, R8 and R9 are lost.

    Args:
        at: of `MEMBERS`.
        inode: the namespace's.
        task: the register that points to the thread; not one of those that are lost but R8.
        place: of `SCRATCH_BYTES` on the stack that may be overwritten.
        outside: a label. The labels `nearer ` and `numbered ` with it behind are taken.
    """
    yield from read(place, 8, task, at["task_struct.group_leader"])
    yield assembler.load(8, R8, FRAME, place)
    yield from read(place, 8, R8, at["task_struct.thread_pid"])
    yield assembler.load(8, R8, FRAME, place)  # zero if it has just ended, and then so is all that is read there
    yield from read(place, 4, R8, at["pid.level"])
    yield assembler.load(4, R9, FRAME, place)
    yield assembler.compute_by(assembler.AND, R9, _DEEPEST)
    yield assembler.jump_if_number(assembler.EQUAL, R9, 0, outside)
    yield f"nearer {outside}"
    yield assembler.move(R3, R9)
    yield assembler.compute_by(assembler.SHIFT_LEFT, R3, _NUMBER_SHIFT)
    yield assembler.compute(assembler.ADD, R3, R8)
    yield from _read_at_r3(place, 16, at["pid.numbers"])
    yield assembler.load(8, R3, FRAME, place + at["upid.ns"])
    yield from _read_at_r3(place + at["upid.ns"], 4, at["pid_namespace.ns.inum"])
    yield assembler.load(4, R1, FRAME, place + at["upid.ns"])
    yield assembler.load(4, R0, FRAME, place + at["upid.nr"])
    yield assembler.put_word(R2, inode)
    yield assembler.jump_if(assembler.EQUAL, R1, R2, f"numbered {outside}")
    yield assembler.compute_by(assembler.SUBTRACT, R9, 1)
    yield assembler.jump_if_number(assembler.NOT_EQUAL, R9, 0, f"nearer {outside}")
    yield assembler.jump(outside)
    yield f"numbered {outside}"


def read(place: int, length: int, pointer: int, offset: int) -> Iterator[Line]:
    """Copy from where a register points to a place on the stack; zeros where that is nowhere."""
    yield assembler.move(R3, pointer)
    yield from _read_at_r3(place, length, offset)


def _read_at_r3(place: int, length: int, offset: int) -> Iterator[Line]:
    yield assembler.compute_by(assembler.ADD, R3, offset)
    yield assembler.move(R1, FRAME)
    yield assembler.compute_by(assembler.ADD, R1, place)
    yield assembler.put(R2, length)
    yield assembler.call(assembler.PROBE_READ_KERNEL)
