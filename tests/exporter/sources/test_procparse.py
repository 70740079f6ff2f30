import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.sources import procparse

TAIL = b" S 7 1 1 0 -1 4194560 100 200 3 4 50 60 70 80 20 0 9 0 12345 1000 250 18446744073709551615 1 1"


@given(st.binary(max_size=15))
def test_a_name_of_any_bytes_does_not_shift_the_fields(name: bytes) -> None:
    found = procparse.stat(b"42 (" + name + b")" + TAIL)

    assert found.comm.encode("utf-8", "surrogateescape") == name
    assert (found.parent_pid, found.threads, found.start_ticks, found.resident_pages) == (7, 9, 12345, 250)
    assert (found.user_ticks, found.system_ticks, found.children_user_ticks, found.children_system_ticks) == (
        50,
        60,
        70,
        80,
    )
    assert (found.minor_faults, found.children_minor_faults, found.major_faults) == (100, 200, 3)


@given(st.integers(0, len(TAIL) - 60))
def test_a_line_that_is_cut_short_is_refused(kept: int) -> None:
    with pytest.raises(ValueError, match="not a stat file"):
        procparse.stat(b"42 (x)" + TAIL[:kept])


@given(st.binary(max_size=100).filter(lambda text: len(text.split()) < 12))
def test_what_is_no_io_file_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="not an io file"):
        procparse.io(text)


def test_this_processs_own_files_decode() -> None:
    found = procparse.stat(Path("/proc/self/stat").read_bytes())

    assert found.parent_pid == os.getppid()
    assert not found.is_kernel
    assert procparse.io(Path("/proc/self/io").read_bytes()).read_calls > 0


def test_only_the_wanted_variables_are_kept() -> None:
    text = b"SECRET=hunter2\0DD_SERVICE=a=b\0BROKEN\0\xff=1\0"

    assert procparse.environment(text, ("DD_SERVICE",)) == {"DD_SERVICE": "a=b"}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (b"0::/system.slice/x.service\n", "/system.slice/x.service"),
        (b"9:name=systemd:/system.slice/x.service\n4:memory:/other\n0::/\n", "/system.slice/x.service"),
        (b"4:memory:/docker/abc\n3:cpu:/\n0::/\n", "/docker/abc"),
        (b"", ""),
        (b"0::/a:b\n", "/a:b"),
    ],
)
def test_the_cgroup_that_says_most_is_taken(text: bytes, path: str) -> None:
    assert procparse.cgroup(text) == path


def test_limits_may_be_absent_or_unlimited() -> None:
    assert procparse.open_files_limit(b"Max open files            1024   4096   files\n") == 1024
    assert procparse.open_files_limit(b"Max open files            unlimited unlimited files\n") == 0
    assert procparse.open_files_limit(b"") == 0


def test_swap_is_in_bytes() -> None:
    assert procparse.swap_bytes(b"Name:\tx\nVmSwap:\t     12 kB\nThreads:\t1\n") == 12 << 10
    assert procparse.swap_bytes(b"Name:\tx\n") == 0
