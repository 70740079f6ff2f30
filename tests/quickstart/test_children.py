"""Child processes: what they said is kept, and none of them or of theirs is left."""

import os
import sys
from pathlib import Path

import psutil
import pytest

from quickstart.children import Child, end_all
from quickstart.stack import Program


def child(folder: Path, script: str) -> Child:
    return Child(Program("demo", (sys.executable, "-u", "-c", script), 1), folder / "demo.log", os.environ)


def wait_for_line(one: Child, line: str) -> None:
    reader = one._reader
    while line not in one.last_lines():
        assert reader.is_alive(), one.last_lines()
        reader.join(0.01)


def test_the_last_lines_of_one_that_died_are_kept(tmp_path: Path) -> None:
    one = child(tmp_path, "import sys\nfor i in range(100): print('line', i)\nsys.exit(3)")
    one.wait(20)
    assert one.status == 3
    assert one.last_lines()[-1] == "line 99"
    assert len(one.last_lines()) == 20
    assert (tmp_path / "demo.log").read_text().splitlines()[0] == "line 0"


def test_everything_is_asked_to_end(tmp_path: Path) -> None:
    two = [child(tmp_path, "import time; print('up'); time.sleep(600)") for _ in range(2)]
    for one in two:
        wait_for_line(one, "up")
    end_all(two)
    assert [one.status for one in two] == [-15, -15]


def test_the_stubborn_and_their_children_are_killed(tmp_path: Path) -> None:
    one = child(
        tmp_path,
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(inner.pid); print('up'); time.sleep(600)",
    )
    wait_for_line(one, "up")
    inner = psutil.Process(int(one.last_lines()[0]))
    end_all([one], seconds=0.1)
    assert one.status == -9
    psutil.wait_procs([inner], timeout=20)
    assert not inner.is_running() or inner.status() == psutil.STATUS_ZOMBIE


def test_a_program_that_is_not_there_cannot_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Child(Program("demo", ("/no/such/program",), 1), tmp_path / "demo.log", os.environ)
