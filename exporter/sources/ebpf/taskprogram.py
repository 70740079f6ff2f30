"""The eBPF program that tells what processes use: put together for the layout of the running kernel; pure.

It is run for every thread of the host, or for the processes that are chosen; at the first thread of a process it adds
up all of them. The program that is put together here may be used under the terms of the MIT licence or the GNU General
Public License, version 2, as well: the kernel asks for that.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from exporter.sources.ebpf import assembler
from exporter.sources.ebpf.assembler import FRAME, R0, R1, R2, R3, R4, R6, R7, R8, R9, Line
from exporter.sources.ebpf.btf import Layout
from exporter.sources.ebpf.numbering import number_within
from exporter.sources.ebpf.numbering import read as _read

MAX_THREADS = 512  # added up of one process
MAX_FILE_WORDS = 1024  # of 64 descriptors each
_KERNEL_THREAD = 0x200000  # PF_KTHREAD, include/linux/sched.h
_TOGETHER_BYTES = 160  # members this near are read at once

# Sums over threads: the thread's member, and the process's member for those that have ended.
SUMS: tuple[tuple[str, str], ...] = (
    ("task_struct.utime", "signal_struct.utime"),
    ("task_struct.stime", "signal_struct.stime"),
    ("task_struct.se.sum_exec_runtime", "signal_struct.sum_sched_runtime"),
    ("task_struct.min_flt", "signal_struct.min_flt"),
    ("task_struct.maj_flt", "signal_struct.maj_flt"),
    ("task_struct.nvcsw", "signal_struct.nvcsw"),
    ("task_struct.nivcsw", "signal_struct.nivcsw"),
    ("task_struct.ioac.read_bytes", "signal_struct.ioac.read_bytes"),
    ("task_struct.ioac.write_bytes", "signal_struct.ioac.write_bytes"),
    ("task_struct.ioac.syscr", "signal_struct.ioac.syscr"),
    ("task_struct.ioac.syscw", "signal_struct.ioac.syscw"),
    ("task_struct.sched_info.run_delay", ""),
)
CHILDREN = ("signal_struct.cutime", "signal_struct.cstime", "signal_struct.cmin_flt", "signal_struct.cmaj_flt")
SIGNAL = (
    *(member for _, member in SUMS if member),
    *CHILDREN,
    "signal_struct.nr_threads",
    "signal_struct.thread_head",
)
THREAD = (*(member for member, _ in SUMS), "task_struct.thread_node")
OTHERS = (
    *(f"task_struct.{name}" for name in ("pid", "tgid", "flags", "start_boottime", "real_parent", "comm")),
    *("task_struct.signal", "task_struct.mm", "task_struct.files"),
    *("mm_struct.rss_stat", "percpu_counter.count", "percpu_counter.counters"),
    *("files_struct.fdt", "fdtable.max_fds", "fdtable.open_fds", "bpf_iter_meta.seq"),
)
MEMBERS = (*SIGNAL, *THREAD, *OTHERS)
FUNCTION, ELEMENT_FUNCTION = "bpf_iter_task", "bpf_iter_bpf_map_elem"
FIND, FIND_WITHIN, RELEASE = "bpf_task_from_pid", "bpf_task_from_vpid", "bpf_task_release"

# Who, whose, threads, files; start; sums; of children; pages of files, anonymous, swapped, shared; name.
RECORD = struct.Struct(f"=4I Q {len(SUMS)}Q {len(CHILDREN)}Q 4q 16s")
_PROCESS, _PARENT, _THREADS, _FILES, _START, _SUMS = 0, 4, 8, 12, 16, 24
_CHILDREN = _SUMS + 8 * len(SUMS)
_PAGES = _CHILDREN + 8 * len(CHILDREN)
_NAME = _PAGES + 8 * 4

# Places on the stack, below its end.
_CONTEXT = -8
_KEY = -16
_RECORD = _KEY - RECORD.size
_SCRATCH = _RECORD - _TOGETHER_BYTES


@dataclass(frozen=True, slots=True)
class _Span:
    """Members of one structure that are read at once."""

    start: int
    length: int
    members: Mapping[str, int]


def program(layout: Layout, namespace: int = 0) -> bytes:
    """Return the program that tells of the task that it is run for; it hangs on `FUNCTION`.

    Args:
        layout: of `MEMBERS`, and of those of `numbering` where there is a namespace.
        namespace: inode of the PID namespace whose numbers are told, 0 for the kernel's own.
    """
    begin = (
        assembler.store(8, FRAME, _CONTEXT, R1),
        assembler.load(8, R6, R1, 8),
        assembler.jump_if_number(assembler.EQUAL, R6, 0, "out"),
    )
    return assembler.assemble([*begin, *_told(layout.offsets, namespace), "out", *assembler.leave()])


def program_for_chosen(layout: Layout, find: str, namespace: int = 0) -> bytes:
    """Return the program that tells of the process whose number is in the element that it is run for; 0 is none.

    It hangs on `ELEMENT_FUNCTION` with an array of numbers of eight bytes.

    Args:
        layout: as for `program`, with the functions `find` and `RELEASE`.
        find: the kernel's function that finds a task by its number.
    """
    begin = (
        assembler.store(8, FRAME, _CONTEXT, R1),
        assembler.load(8, R2, R1, 24),
        assembler.jump_if_number(assembler.EQUAL, R2, 0, "none"),
        assembler.load(8, R1, R2, 0),
        assembler.jump_if_number(assembler.EQUAL, R1, 0, "none"),
        assembler.call_function(layout.functions[find]),
        assembler.jump_if_number(assembler.EQUAL, R0, 0, "none"),
        assembler.move(R6, R0),
    )
    end = ("out", assembler.move(R1, R6), assembler.call_function(layout.functions[RELEASE]), "none")
    return assembler.assemble([*begin, *_told(layout.offsets, namespace), *end, *assembler.leave()])


def _told(at: Mapping[str, int], namespace: int) -> Iterator[Line]:
    """Tell of the task that R6 points to; goes to the label `out` where there is nothing to tell."""
    yield from _first_threads_only(at, namespace)
    yield from _process(at)
    yield from _threads(at)
    yield from _identity(at, namespace)
    yield from _memory(at)
    yield from _files(at)
    yield from _tell(at)


def _first_threads_only(at: Mapping[str, int], namespace: int) -> Iterator[Line]:
    """Leave if R6 does not point to a process's first thread."""
    yield assembler.load(4, R1, R6, at["task_struct.pid"])
    yield assembler.load(4, R2, R6, at["task_struct.tgid"])
    yield assembler.jump_if(assembler.NOT_EQUAL, R1, R2, "out")
    yield assembler.load(4, R3, R6, at["task_struct.flags"])
    yield assembler.jump_if_number(assembler.SOME_BITS, R3, _KERNEL_THREAD, "out")
    if namespace:
        yield from number_within(at, namespace, R6, _SCRATCH, "out")
        yield assembler.move(R2, R0)
    yield assembler.store(4, FRAME, _RECORD + _PROCESS, R2)


def _process(at: Mapping[str, int]) -> Iterator[Line]:
    """Begin the sums with the threads that ended; leave R9 pointing to the process, R8 to its list of threads."""
    yield from _read(_SCRATCH, 8, R6, at["task_struct.signal"])
    yield assembler.load(8, R9, FRAME, _SCRATCH)
    targets = {ended: _SUMS + 8 * place for place, (_, ended) in enumerate(SUMS) if ended}
    targets |= {member: _CHILDREN + 8 * place for place, member in enumerate(CHILDREN)}
    for place, (_, ended) in enumerate(SUMS):
        if not ended:
            yield assembler.clear(FRAME, _RECORD + _SUMS + 8 * place)
    for span in _spans(SIGNAL, at):
        yield from _read(_SCRATCH, span.length, R9, span.start)
        for member, offset in span.members.items():
            if member == "signal_struct.thread_head":
                yield assembler.load(8, R8, FRAME, _SCRATCH + offset)
            elif member == "signal_struct.nr_threads":
                yield assembler.load(4, R1, FRAME, _SCRATCH + offset)
                yield assembler.store(4, FRAME, _RECORD + _THREADS, R1)
            else:
                yield assembler.load(8, R1, FRAME, _SCRATCH + offset)
                yield assembler.store(8, FRAME, _RECORD + targets[member], R1)


def _threads(at: Mapping[str, int]) -> Iterator[Line]:
    """Add every thread; they are a ring of `thread_node` that `thread_head` of the process is part of."""
    node = at["task_struct.thread_node"]
    targets = {member: _SUMS + 8 * place for place, (member, _) in enumerate(SUMS)}
    yield assembler.put(R7, 0)
    yield "thread"
    for span in _spans(THREAD, at):
        yield from _read(_SCRATCH, span.length, R8, span.start - node)
        for member, offset in span.members.items():
            if member in targets:
                yield assembler.load(8, R1, FRAME, _SCRATCH + offset)
                yield assembler.load(8, R2, FRAME, _RECORD + targets[member])
                yield assembler.compute(assembler.ADD, R2, R1)
                yield assembler.store(8, FRAME, _RECORD + targets[member], R2)
            else:
                yield assembler.load(8, R4, FRAME, _SCRATCH + offset)
                yield assembler.store(8, FRAME, _KEY, R4)
    yield assembler.load(8, R8, FRAME, _KEY)
    yield assembler.move(R1, R9)
    yield assembler.compute_by(assembler.ADD, R1, at["signal_struct.thread_head"])
    yield assembler.jump_if(assembler.EQUAL, R8, R1, "walked")
    yield assembler.compute_by(assembler.ADD, R7, 1)
    yield assembler.jump_if_number(assembler.LESS, R7, MAX_THREADS, "thread")
    yield "walked"


def _identity(at: Mapping[str, int], namespace: int) -> Iterator[Line]:
    yield assembler.load(8, R1, R6, at["task_struct.start_boottime"])
    yield assembler.store(8, FRAME, _RECORD + _START, R1)
    yield assembler.load(8, R8, R6, at["task_struct.real_parent"])
    if namespace:
        yield from number_within(at, namespace, R8, _SCRATCH, "a parent outside")
        yield assembler.store(4, FRAME, _RECORD + _PARENT, R0)
        yield assembler.jump("parent")
        yield "a parent outside"
        yield assembler.put(R0, 0)
        yield assembler.store(4, FRAME, _RECORD + _PARENT, R0)
        yield "parent"
    else:
        yield assembler.load(4, R1, R8, at["task_struct.tgid"])
        yield assembler.store(4, FRAME, _RECORD + _PARENT, R1)
    yield from _read(_RECORD + _NAME, 16, R6, at["task_struct.comm"])


def _memory(at: Mapping[str, int]) -> Iterator[Line]:
    """Take the kernel's quick counts of pages, a few off per processor; a process that is ending has none."""
    each = at["percpu_counter.counters"] + 8  # its last member
    for place in range(4):
        yield assembler.clear(FRAME, _RECORD + _PAGES + 8 * place)
    yield from _read(_SCRATCH, 8, R6, at["task_struct.mm"])
    yield assembler.load(8, R8, FRAME, _SCRATCH)
    yield assembler.jump_if_number(assembler.EQUAL, R8, 0, "no memory")
    for place in range(4):
        offset = at["mm_struct.rss_stat"] + place * each + at["percpu_counter.count"]
        yield from _read(_RECORD + _PAGES + 8 * place, 8, R8, offset)
    yield "no memory"


def _files(at: Mapping[str, int]) -> Iterator[Line]:
    """Count the bits of open files."""
    yield assembler.put(R1, 0)
    yield assembler.store(4, FRAME, _RECORD + _FILES, R1)
    yield from _read(_SCRATCH, 8, R6, at["task_struct.files"])
    yield assembler.load(8, R8, FRAME, _SCRATCH)
    yield assembler.jump_if_number(assembler.EQUAL, R8, 0, "no files")
    yield from _read(_SCRATCH, 8, R8, at["files_struct.fdt"])
    yield assembler.load(8, R9, FRAME, _SCRATCH)
    yield from _read(_SCRATCH, 4, R9, at["fdtable.max_fds"])
    yield assembler.load(4, R8, FRAME, _SCRATCH)
    yield from _read(_SCRATCH, 8, R9, at["fdtable.open_fds"])
    yield assembler.load(8, R9, FRAME, _SCRATCH)
    yield assembler.put(R7, 0)
    yield "files"
    yield assembler.jump_if(assembler.AT_LEAST, R7, R8, "no files")
    yield from _read(_SCRATCH, 8, R9, 0)
    yield assembler.load(8, R1, FRAME, _SCRATCH)
    yield from _count_bits()
    yield assembler.load(4, R2, FRAME, _RECORD + _FILES)
    yield assembler.compute(assembler.ADD, R2, R1)
    yield assembler.store(4, FRAME, _RECORD + _FILES, R2)
    yield assembler.compute_by(assembler.ADD, R9, 8)
    yield assembler.compute_by(assembler.ADD, R7, 64)
    yield assembler.jump_if_number(assembler.LESS, R7, 64 * MAX_FILE_WORDS, "files")
    yield "no files"


def _count_bits() -> Iterator[Line]:
    """Replace R1 by how many of its bits are set: of pairs, of fours, of bytes, and these added up by multiplying."""
    yield assembler.move(R2, R1)
    yield assembler.compute_by(assembler.SHIFT_RIGHT, R2, 1)
    yield assembler.put_twice(R3, 0x55555555)
    yield assembler.compute(assembler.AND, R2, R3)
    yield assembler.compute(assembler.SUBTRACT, R1, R2)
    yield assembler.put_twice(R3, 0x33333333)
    yield assembler.move(R2, R1)
    yield assembler.compute_by(assembler.SHIFT_RIGHT, R2, 2)
    yield assembler.compute(assembler.AND, R2, R3)
    yield assembler.compute(assembler.AND, R1, R3)
    yield assembler.compute(assembler.ADD, R1, R2)
    yield assembler.move(R2, R1)
    yield assembler.compute_by(assembler.SHIFT_RIGHT, R2, 4)
    yield assembler.compute(assembler.ADD, R1, R2)
    yield assembler.put_twice(R3, 0x0F0F0F0F)
    yield assembler.compute(assembler.AND, R1, R3)
    yield assembler.put_twice(R3, 0x01010101)
    yield assembler.compute(assembler.MULTIPLY, R1, R3)
    yield assembler.compute_by(assembler.SHIFT_RIGHT, R1, 56)


def _tell(at: Mapping[str, int]) -> Iterator[Line]:
    """Write the record; where there was no room for it, this is run again."""
    yield assembler.load(8, R1, FRAME, _CONTEXT)
    yield assembler.load(8, R1, R1, 0)
    yield assembler.load(8, R1, R1, at["bpf_iter_meta.seq"])
    yield assembler.move(R2, FRAME)
    yield assembler.compute_by(assembler.ADD, R2, _RECORD)
    yield assembler.put(R3, RECORD.size)
    yield assembler.call(assembler.SEQ_WRITE)


def _spans(members: Sequence[str], at: Mapping[str, int]) -> list[_Span]:
    """Group the members of one structure, each of eight bytes at most, by what can be read at once."""
    spans: list[_Span] = []
    for member in sorted(members, key=at.__getitem__):
        start = at[member]
        if spans and start + 8 - spans[-1].start <= _TOGETHER_BYTES:
            last = spans[-1]
            spans[-1] = _Span(last.start, start + 8 - last.start, {**last.members, member: start - last.start})
        else:
            spans.append(_Span(start, 8, {member: 0}))
    return spans
