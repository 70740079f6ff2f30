"""Proportional sizes: of processes that share memory, as this kernel tells, and in turns within a budget of time."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.services.members import UNDECIDED, Membership
from exporter.services.usage import Counters, Sample, Usage
from exporter.sources.proportional import MOST_SECONDS, SHARE_OF_TIME, TURN_SECONDS, ProportionalSizes, parsed

MIB = 1 << 20
SHARING = """
import os, sys
held = bytes([1]) * (64 << 20)
children = []
for _ in range(3):
    alive, other = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(other)
        os.read(alive, 1)
        os._exit(0)
    children.append(pid)
print(os.getpid(), *children, flush=True)
sys.stdin.readline()
"""


def sample(pid: int, resident_bytes: int) -> Sample:
    return Sample(pid, 1, 0, "x", Usage(Counters(), Counters(), resident_bytes, 0, 1, 1, has_io=True))


def member(service: str) -> Membership:
    return Membership(service, starts=False, started_at=0.0)


def rollup(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return {line.partition(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("Rss", "Pss:"))}


@pytest.fixture
def sharing() -> Iterator[list[int]]:
    """Four processes that share most of their memory."""
    command = (sys.executable, "-c", SHARING)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield list(map(int, process.stdout.readline().split()))
        process.kill()


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="no such file here")
def test_shared_memory_is_divided_among_who_shares_it(sharing: list[int]) -> None:
    sizes = ProportionalSizes(Path("/proc"))
    pids, members = set(sharing), {pid: member("shop") for pid in sharing}
    held = [sample(pid, rollup(pid)["Rss"] << 10) for pid in sharing]
    for now in range(0, 100, 5):
        share = sizes.shares(held, pids, members, float(now)).get("shop")
    told = [rollup(pid) for pid in sharing]
    expected = sum(one["Pss"] for one in told) / sum(one["Rss"] for one in told)

    assert share == pytest.approx(expected, rel=0.1)
    assert expected < 0.4, "four share it"


class Clock:
    """Each file that is read takes so many seconds: the clock is asked before and after."""

    def __init__(self, each: float) -> None:
        self._each = each
        self._now = 0.0

    def __call__(self) -> float:
        self._now += self._each
        return self._now


def folder(tmp_path: Path, sizes: dict[int, int]) -> Path:
    """Return a /proc where half of each process's memory is shared with another one."""
    for pid, megabytes in sizes.items():
        (tmp_path / str(pid)).mkdir()
        text = f"00-ff ---p 00 00:00 0 [rollup]\nRss: {megabytes << 10} kB\nPss: {megabytes << 9} kB\nPss_Dirty: 9 kB\n"
        (tmp_path / str(pid) / "smaps_rollup").write_text(text)
    return tmp_path


def test_the_largest_are_asked_first_and_only_for_a_share_of_the_time(tmp_path: Path) -> None:
    held = {pid: pid for pid in range(2, 32)}
    each = 5 * SHARE_OF_TIME  # what five seconds allow
    sizes = ProportionalSizes(folder(tmp_path, held), Clock(each))
    samples = [sample(pid, megabytes * MIB) for pid, megabytes in held.items()]
    members = {pid: member(f"service{pid}") for pid in held}
    known = [set(sizes.shares(samples, held.keys(), members, 5.0 * turn)) for turn in range(31)]

    assert known[0] == set()
    assert known[1] == {"service31"}
    assert known[2] == {"service31", "service30"}
    assert known[30] == {f"service{pid}" for pid in held}


def test_no_process_is_asked_again_before_its_turn_and_time_is_not_saved_up(tmp_path: Path) -> None:
    path = folder(tmp_path, {2: 2})
    sizes = ProportionalSizes(path, Clock(MOST_SECONDS))

    def share(now: float) -> float | None:
        return sizes.shares([sample(2, 2 * MIB)], {2}, {2: member("shop")}, now).get("shop")

    share(0.0)
    assert share(1e6) == 0.5
    (path / "2" / "smaps_rollup").write_text("Rss: 2048 kB\nPss: 2048 kB\n")
    assert share(1e6 + TURN_SECONDS / 2) == 0.5
    assert share(1e6 + 2 * TURN_SECONDS) == 1.0


def test_who_ended_is_forgotten_and_who_belongs_to_nobody_counts_for_nobody(tmp_path: Path) -> None:
    sizes = ProportionalSizes(folder(tmp_path, {2: 2, 3: 3}), Clock(0.0))
    samples = [sample(2, 2 * MIB), sample(3, 3 * MIB)]
    members = {2: member("shop"), 3: member(UNDECIDED)}
    sizes.shares(samples, {2, 3}, members, 0.0)

    assert sizes.shares(samples, {2, 3}, members, 5.0) == {"shop": 0.5}
    assert sizes.shares([], {3}, members, 10.0) == {}


def test_what_may_not_be_read_is_not_known(tmp_path: Path) -> None:
    sizes = ProportionalSizes(tmp_path, Clock(0.0))
    for now in (0.0, 5.0):
        found = sizes.shares([sample(2, 2 * MIB)], {2}, {2: member("shop")}, now)
    assert found == {}


@pytest.mark.parametrize("text", [b"", b"Rss: kB\nPss: 3 kB", b"Rss: x kB", b"Rss: 0 kB\nPss: 0 kB\n", b"\xff" * 64])
def test_what_is_no_size_is_none(text: bytes) -> None:
    assert parsed(text) is None
