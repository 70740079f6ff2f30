"""What the kernel's own structures say of real processes, beside what /proc says."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter.services.usage import Sample
from exporter.sources.ebpf.taskprogram import MAX_THREADS
from exporter.sources.errors import SourceError
from exporter.sources.pidnamespace import shown_by
from exporter.sources.tasks import TaskReader, open_usages
from exporter.sources.usage import UsageReader
from tests.exporter.powers import Powers, enter_pid_namespace, mounts_can_be_private, with_powers

PROC = Path("/proc")
WORKER = """
import os, sys, threading, time
stop = threading.Event()
for _ in range(int(sys.argv[1])):
    threading.Thread(target=stop.wait, daemon=True).start()
print(flush=True)
for line in sys.stdin:
    begun = time.process_time()
    while time.process_time() - begun < 0.05:
        os.read(os.open("/dev/zero", os.O_RDONLY), 100)
    print(flush=True)
"""


@pytest.fixture(scope="module")
def loaded() -> Iterator[TaskReader]:
    try:
        reader = TaskReader(UsageReader(PROC), shown_by(PROC))
    except SourceError as error:
        pytest.skip(f"no eBPF here: {error}")
    yield reader
    reader.close()


@contextmanager
def worker(threads: int) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        (sys.executable, "-c", WORKER, str(threads)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def work(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    process.stdout.readline()


def one(reader: TaskReader, pid: int) -> Sample | None:
    return next(iter(reader.read({pid}).changed), None)


def test_a_process_is_told_as_proc_tells_it(loaded: TaskReader) -> None:
    with worker(3) as process:
        work(process)
        ours = one(loaded, process.pid)
        (theirs,) = UsageReader(PROC).read({process.pid}).changed

    assert ours is not None
    assert (ours.start_ticks, ours.parent_pid, ours.comm) == (theirs.start_ticks, os.getpid(), theirs.comm)
    own, other = ours.usage.own, theirs.usage.own
    assert ours.usage.threads == theirs.usage.threads == 4
    assert ours.usage.open_files == theirs.usage.open_files > 100
    assert (own.minor_faults, own.major_faults) == (other.minor_faults, other.major_faults)
    assert (own.read_calls, own.write_calls) == (other.read_calls, other.write_calls)
    assert (own.read_bytes, own.written_bytes) == (other.read_bytes, other.written_bytes)
    used = own.user_nanoseconds + own.system_nanoseconds
    assert used == pytest.approx(other.user_nanoseconds + other.system_nanoseconds, abs=2.1e7)
    assert used > 5e7
    assert own.voluntary_switches >= 2
    assert ours.usage.resident_bytes == pytest.approx(theirs.usage.resident_bytes, rel=0.05)


def test_an_idle_process_is_told_once_and_again_when_it_ran(loaded: TaskReader) -> None:
    with worker(1) as process:
        told = [one(loaded, process.pid) for _ in range(1000)]  # it was about to wait for its input at first
        work(process)
        again = one(loaded, process.pid)

    assert told[0] is not None
    assert told[-32:] == [None] * 32
    assert again is not None
    assert again.usage.own.read_calls > told[0].usage.own.read_calls


def test_an_ended_process_is_told_and_what_its_parent_waited_for_is_its_own(loaded: TaskReader) -> None:
    with worker(0) as process:
        work(process)
        before = one(loaded, os.getpid())
        told = one(loaded, process.pid)
    after = loaded.read({os.getpid()})

    assert list(loaded.read({os.getpid(), process.pid}).ended) == [process.pid]
    assert before is not None
    assert told is not None
    (mine,) = after.changed
    waited = mine.usage.children.growth(before.usage.children)
    used = told.usage.own.user_nanoseconds + told.usage.own.system_nanoseconds
    assert waited.user_nanoseconds + waited.system_nanoseconds >= used


def test_a_process_of_very_many_threads_is_read_from_proc(loaded: TaskReader) -> None:
    with worker(MAX_THREADS + 10) as process:
        told = one(loaded, process.pid)

    assert told is not None
    assert told.usage.threads == MAX_THREADS + 11


def test_a_process_that_the_kernel_does_not_tell_of_is_read_from_proc(loaded: TaskReader) -> None:
    kernel_thread = 2
    comm = Path(f"/proc/{kernel_thread}/comm")
    if not comm.exists() or comm.read_text() != "kthreadd\n":
        pytest.skip("no kernel threads in this PID namespace")
    told = one(loaded, kernel_thread)

    assert told is not None
    assert told.comm == "kthreadd"
    assert list(loaded.read({kernel_thread}).ended) == []


@pytest.mark.skipif(not mounts_can_be_private(), reason="mounts cannot be made private")
def test_within_a_pid_namespace_processes_have_its_numbers(loaded: TaskReader, tmp_path: Path) -> None:
    assert loaded, "eBPF is permitted"
    told = with_powers(Powers(before=lambda: enter_pid_namespace(tmp_path)), lambda: told_within(tmp_path))

    assert told == "1 0, 2 1"


def told_within(proc: Path) -> str:
    """Return the numbers of all processes of a PID namespace and of their parents, as the kernel tells them."""
    reader, reason = open_usages(proc, UsageReader(proc))
    assert isinstance(reader, TaskReader), reason
    with worker(3) as process:
        work(process)
        (theirs,) = UsageReader(proc).read({process.pid}).changed
        read = sorted(reader.read({os.getpid(), process.pid}).changed, key=lambda sample: sample.pid)
    assert read[-1].comm == theirs.comm
    assert read[-1].usage.own.read_calls == theirs.usage.own.read_calls > 0
    reader.close()
    return ", ".join(f"{sample.pid} {sample.parent_pid}" for sample in read)


def test_where_it_may_not_be_proc_is_read_and_the_reason_told(tmp_path: Path) -> None:
    reader = UsageReader(PROC)
    used, reason = open_usages(tmp_path, reader)
    assert used is reader
    assert reason.startswith(f"the PID namespace of {tmp_path} cannot be told")
    with pytest.raises(SourceError, match="kernel's types cannot be read"):
        TaskReader(reader, shown_by(PROC), tmp_path / "vmlinux")


def test_a_kernel_of_other_types_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vmlinux").write_bytes(b"\x7fELF" + bytes(100))
    with pytest.raises(SourceError, match="no description of the kernel's types"):
        TaskReader(UsageReader(PROC), shown_by(PROC), tmp_path / "vmlinux")
