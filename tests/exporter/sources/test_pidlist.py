"""Processes are listed only when any came or went."""

from pathlib import Path

import pytest

from exporter.sources.clocks import UNKNOWN
from exporter.sources.pidlist import PidList


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc of this process's own namespace, with two processes."""
    for name in ("1", "12", "self/ns"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "1/stat").touch()
    (tmp_path / "self/status").write_text("Name:\tshop\nNSpid:\t12\n")
    (tmp_path / "self/ns/pid").touch()
    (tmp_path / "loadavg").write_text("0.10 0.20 0.30 1/250 12\n")
    return tmp_path


def test_the_same_processes_are_the_same_object(proc: Path) -> None:
    listing = PidList(proc)
    first = listing.read()
    (proc / "loadavg").write_text("7.10 0.20 0.30 3/250 12\n")

    assert first == {1, 12}
    assert listing.read() is first


@pytest.mark.parametrize(
    "text", ["0.10 0.20 0.30 1/251 13\n", "0.10 0.20 0.30 1/249 12\n", "0.10 0.20 0.30 1/250 13\n"]
)
def test_they_are_listed_again_when_a_thread_came_or_went(proc: Path, text: str) -> None:
    listing = PidList(proc)
    listing.read()
    (proc / "13").mkdir()
    (proc / "loadavg").write_text(text)

    assert listing.read() == {1, 12, 13}


def test_they_are_listed_again_once_in_a_while(proc: Path) -> None:
    listing = PidList(proc)
    listing.read()
    (proc / "13").mkdir()

    assert [13 in listing.read() for _ in range(16)].count(True) >= 1


def test_what_shows_another_namespace_is_always_listed(proc: Path) -> None:
    (proc / "self/status").write_text("Name:\tshop\nNSpid:\t12\t1\n")
    (proc / "1/ns").mkdir()
    (proc / "1/ns/pid").touch()
    listing = PidList(proc)
    listing.read()
    (proc / "13").mkdir()

    assert 13 in listing.read()


def test_who_has_no_clock_has_ended_and_new_numbers_that_have_one_are_processes(proc: Path) -> None:
    clocks = {1: 5, 12: 5}
    listing = PidList(proc, lambda pids: {pid: clocks.get(pid, UNKNOWN) for pid in pids})
    listing.read()
    del clocks[12]
    clocks |= {14: 1, 300: 1}
    (proc / "loadavg").write_text("0.10 0.20 0.30 1/251 15\n")

    assert listing.read() == {1, 14}, "300 is not that new"


def test_threads_alone_change_nothing(proc: Path) -> None:
    clocks = {1: 5, 12: 5}
    listing = PidList(proc, lambda pids: {pid: clocks.get(pid, UNKNOWN) for pid in pids})
    first = listing.read()
    (proc / "loadavg").write_text("0.10 0.20 0.30 1/257 20\n")

    assert listing.read() is first


@pytest.mark.parametrize("newest", [5, 5000])
def test_after_very_many_new_ones_they_are_listed(proc: Path, newest: int) -> None:
    clocks = {1: 5, 12: 5}
    listing = PidList(proc, lambda pids: {pid: clocks.get(pid, UNKNOWN) for pid in pids})
    listing.read()
    (proc / "4").mkdir()
    (proc / "loadavg").write_text(f"0.10 0.20 0.30 1/251 {newest}\n")

    assert listing.read() == {1, 4, 12}
