import sys
from pathlib import Path

import pytest

from toolkit.memory import give_back

BLOCK, COUNT = 100_000, 600  # below what glibc takes from the system piece by piece


def resident_pages() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1])


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_freed_memory_below_memory_in_use_is_given_back() -> None:
    blocks = [bytearray(b"x" * BLOCK) for _ in range(COUNT)]
    highest = blocks[-1]
    del blocks
    before = resident_pages()
    give_back()
    assert before - resident_pages() > BLOCK * COUNT / 2 / 4096
    assert len(highest) == BLOCK
