"""Readings through kept descriptors."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.sources.usage import UsageReader, descriptor_budget
from tests.exporter.sources.proctree import ProcTree

TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


@pytest.fixture
def tree(tmp_path: Path) -> ProcTree:
    return ProcTree.at(tmp_path / "proc")


def test_a_reading_holds_what_the_files_say(tree: ProcTree) -> None:
    folder = tree.add(10, b"/opt/shop", parent=7, start=55, cpu=40)
    (folder / "fd" / "0").symlink_to("/dev/null")
    reader = UsageReader(tree.path)

    (sample,) = reader.read({10}).changed

    assert (sample.pid, sample.parent_pid, sample.start_ticks, sample.comm) == (10, 7, 55, "shop")
    assert (sample.usage.own.user_nanoseconds, sample.usage.own.read_calls, sample.usage.own.written_bytes) == (
        40 * TICK,
        11,
        8192,
    )
    assert (sample.usage.threads, sample.usage.open_files) == (3, 1)
    assert sample.usage.resident_bytes == 25 * resource.getpagesize()
    reader.close()


def test_an_idle_process_is_told_once(tree: ProcTree) -> None:
    tree.add(10, b"/opt/shop")
    reader = UsageReader(tree.path)

    assert [len(reader.read({10}).changed) for _ in range(20)] == [1] + [0] * 19
    reader.close()


def test_calls_too_few_for_a_clock_tick_are_seen_within_eight_readings(tree: ProcTree) -> None:
    folder = tree.add(10, b"/opt/shop")
    reader = UsageReader(tree.path)
    reader.read({10})
    (folder / "io").write_text((folder / "io").read_text().replace("syscr: 11", "syscr: 14"))

    calls = [sample.usage.own.read_calls for _ in range(8) for sample in reader.read({10}).changed]

    assert calls == [14]
    reader.close()


def test_a_process_whose_clock_stands_is_not_read(tree: ProcTree) -> None:
    folder = tree.add(65, b"/opt/shop")
    clocks = {65: 7}
    reader = UsageReader(tree.path, times=lambda _pids: clocks)
    reader.read({65})
    (folder / "io").write_text((folder / "io").read_text().replace("syscr: 11", "syscr: 14"))
    idle = [len(reader.read({65}).changed) for _ in range(20)]
    clocks[65] = 8
    (sample,) = reader.read({65}).changed

    assert idle == [0] * 20
    assert sample.usage.own.read_calls == 14
    reader.close()


def test_the_memory_of_a_process_whose_clock_stands_is_read_once_in_a_while(tree: ProcTree) -> None:
    folder = tree.add(65, b"/opt/shop")
    reader = UsageReader(tree.path, times=lambda pids: dict.fromkeys(pids, 7))
    reader.read({65})
    (folder / "stat").write_text((folder / "stat").read_text().replace(" 4096 25 ", " 4096 20 "))

    held = [sample.usage.resident_bytes for _ in range(64) for sample in reader.read({65}).changed]

    assert held == [20 * resource.getpagesize()]
    reader.close()


def test_descriptors_are_kept_of_the_processes_that_run(tree: ProcTree) -> None:
    clocks = {}
    for pid in range(65, 75):
        tree.add(pid, b"/opt/shop")
        clocks[pid] = 1
    reader = UsageReader(tree.path, times=lambda _pids: clocks)
    before = len(list(Path("/proc/self/fd").iterdir()))
    opened = []
    for round_number in range(70):
        if round_number in (1, 2):
            clocks[70] += 1
        reader.read(set(clocks))
        opened.append(len(list(Path("/proc/self/fd").iterdir())) - before)

    assert opened[:4] == [0, 3, 3, 3]
    assert opened[-1] == 0, "it is idle for long"
    reader.close()


def test_beyond_the_descriptors_allowed_processes_are_still_read(tree: ProcTree) -> None:
    for pid in range(10, 20):
        tree.add(pid, b"/opt/shop")
    reader = UsageReader(tree.path, max_descriptors=6)
    opened = len(list(Path("/proc/self/fd").iterdir()))

    assert len(reader.read(set(range(10, 20))).changed) == 10
    assert len(list(Path("/proc/self/fd").iterdir())) == opened + 6
    reader.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == opened


def test_swap_is_read_where_there_is_any(tree: ProcTree) -> None:
    (tree.add(10, b"/opt/shop") / "status").write_text("Name:\tshop\nVmSwap:\t 8 kB\n")
    reader = UsageReader(tree.path)

    assert reader.read({10}, with_swap=True).changed[0].usage.swap_bytes == 8192
    reader.close()


def test_what_ended_or_may_not_be_read_is_told(tree: ProcTree) -> None:
    (tree.add(10, b"/opt/shop") / "io").unlink()
    reader = UsageReader(tree.path)

    found = reader.read({10, 11})

    assert (list(found.ended), found.forbidden) == ([11], 1)
    reader.close()


@pytest.fixture
def few_files() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (600, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_limit_of_open_files_is_raised_as_far_as_it_may_be(few_files: int) -> None:
    assert descriptor_budget(300) == 300
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 600
    assert descriptor_budget(1000) == 1000
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 1200
    if few_files != resource.RLIM_INFINITY:
        assert descriptor_budget(10 * few_files) == few_files * 5 // 6


def test_a_process_that_cannot_be_opened_wholly_leaves_no_descriptor_open(tree: ProcTree) -> None:
    folder = tree.add(10, b"/opt/shop")
    (folder / "io").unlink()
    (folder / "io").symlink_to("io")  # too many levels of links
    reader = UsageReader(tree.path)
    before = len(list(Path("/proc/self/fd").iterdir()))

    with pytest.raises(OSError, match="symbolic links"):
        reader.read({10})

    assert len(list(Path("/proc/self/fd").iterdir())) == before
    reader.close()
