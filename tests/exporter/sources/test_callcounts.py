"""System calls counted in this kernel, beside strace on the same processes."""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from exporter.services.syscalls import Called
from exporter.services.windows import Windows
from exporter.sources.callcounts import Counting
from exporter.sources.calling import NOT_WANTED, Calling, open_calling
from exporter.sources.errors import SourceError
from exporter.sources.pidnamespace import shown_by
from exporter.sources.syscallnames import names
from tests.exporter.powers import CLONE_NEWPID, Powers, enter_pid_namespace, mounts_can_be_private, unshare, with_powers

CALLS = 3000
WORK = f"""
import os
for _ in range({CALLS}):
    os.getppid()
    try:
        os.stat("/nonexistent")
    except OSError:
        pass
print(os.getpid())
"""
ROW = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(\d+)?\s+(\w+)$")


PROC = Path("/proc")


@pytest.fixture
def counting() -> Iterator[Counting]:
    try:
        made = Counting(shown_by(PROC))
    except SourceError as error:
        pytest.skip(f"no system calls to be counted: {error}")
    with closing(made):
        yield made


def of(called: list[Called], pid: int) -> dict[str, tuple[int, int]]:
    return {one.name: (one.calls, one.errors) for one in called if one.pid == pid}


def test_calls_and_errors_are_those_of_strace(counting: Counting, tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("no strace")
    counting.attach()
    counting.switch(on=True)
    report = tmp_path / "report"
    command = [strace, "-c", "-o", str(report), sys.executable, "-S", "-c", WORK]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    counting.switch(on=False)
    if done.returncode:
        pytest.skip(f"strace may not trace: {done.stderr}")
    counted = of(counting.take(), int(done.stdout))

    rows = [match.groups() for line in report.read_text().splitlines() if (match := ROW.match(line))]
    traced = {name: (int(calls), int(errors or 0)) for calls, errors, name in rows if name != "total"}
    assert traced["getppid"][0] >= CALLS
    many = {name: numbers for name, numbers in traced.items() if numbers[0] >= 100}
    for name, numbers in many.items():
        assert counted[name] == pytest.approx(numbers, rel=0.01), name
    total = sum(calls for calls, _ in traced.values())
    assert sum(calls for calls, _ in counted.values()) == pytest.approx(total, rel=0.01)
    assert counting.lost == 0


def test_nothing_is_counted_while_it_is_switched_off(counting: Counting) -> None:
    counting.attach()
    counting.switch(on=True)
    for _ in range(50):
        os.getppid()
    counting.switch(on=False)
    for _ in range(1000):
        os.getppid()
    calls, errors = of(counting.take(), os.getpid())["getppid"]

    assert (calls, errors) == (50, 0)
    assert of(counting.take(), os.getpid()) == {}, "what was taken is forgotten"


@pytest.mark.skipif(not mounts_can_be_private(), reason="mounts cannot be made private")
def test_within_a_pid_namespace_processes_have_its_numbers(counting: Counting, tmp_path: Path) -> None:
    counting.close()
    counted = with_powers(Powers(before=lambda: enter_pid_namespace(tmp_path)), lambda: counted_within(tmp_path))

    assert counted == "1 50, 2 0, 3 70"


def counted_within(proc: Path) -> str:
    """Return the numbers of three processes of a PID namespace and how often getppid returned to them.

    The third one is in a namespace of its own again.
    """
    with closing(Counting(shown_by(proc))) as counting:
        counting.attach()
        counting.switch(on=True)
        for _ in range(50):
            os.getppid()
        outer = os.fork()
        if outer == 0:
            unshare(CLONE_NEWPID)
            _, status = os.waitpid(spawn(70), 0)
            os._exit(status)
        os.waitpid(outer, 0)
        counting.switch(on=False)
        called = counting.take()
    return ", ".join(f"{pid} {of(called, pid).get('getppid', (0, 0))[0]}" for pid in (1, 2, 3))


def spawn(calls: int) -> int:
    """Return the number of a child that calls getppid so often."""
    child = os.fork()
    if child == 0:
        for _ in range(calls):
            os.getppid()
        os._exit(0)
    return child


def test_windows_count_a_steady_caller_without_bias(counting: Counting) -> None:
    windows = Windows(seconds=0.01, period=0.05, dice=lambda: 0.5)
    calling = Calling(counting, windows, lambda: {os.getpid(): "shop"}, time.monotonic)
    stop = threading.Event()
    thread = threading.Thread(target=calling.run, args=(stop,))
    thread.start()
    called = 0
    deadline = time.monotonic() + 30.0
    while calling.snapshot().get("shop", {}).get("getppid") is None:
        assert time.monotonic() < deadline
        for _ in range(1000):
            os.getppid()
        called += 1000
    stop.set()
    thread.join()

    counted = calling.snapshot()["shop"]["getppid"].calls
    assert counted > 0
    assert calling.status().sampling_ratio == pytest.approx(1 / 6)


def test_why_nothing_is_counted_is_told() -> None:
    unwanted = open_calling(None, dict, time.monotonic, PROC, wanted=False)

    assert (unwanted.status().off, unwanted.status().sampling_ratio) == (NOT_WANTED, 0.0)
    unwanted.run(threading.Event())  # ends at once
    unwanted.close()


def test_who_may_not_load_programs_is_told() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs to be root, to be nobody for a while")
    os.seteuid(65534)
    try:
        calling = open_calling(None, dict, time.monotonic, PROC)
    finally:
        os.seteuid(0)

    assert calling.status().off == "permission"


def test_names_are_those_of_the_architecture() -> None:
    assert (names("x86_64")[0], names("x86_64")[262], names("x86_64")[435]) == ("read", "newfstatat", "clone3")
    assert (names("aarch64")[63], names("aarch64")[435]) == ("read", "clone3")
    assert names("pdp11") == {}
