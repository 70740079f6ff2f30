import subprocess
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


THREADS = """
import sys, threading
from toolkit.memory import keep_together

if sys.argv[1] == "together":
    keep_together()
met = threading.Barrier(5)
kept = []


def allocate():
    met.wait()
    kept.extend(bytes(10_000) for _ in range(100))
    met.wait()


for _ in range(5):
    threading.Thread(target=allocate).start()
for thread in threading.enumerate()[1:]:
    thread.join()
print(open("/proc/self/maps").read())
"""


def places(how: str) -> int:
    """Return how many places beside the heap glibc took for the threads: it reserves 64 MiB for each."""
    done = subprocess.run((sys.executable, "-c", THREADS, how), capture_output=True, text=True, check=True)
    starts = {int(line.partition("-")[0], 16) for line in done.stdout.split("\n") if " ---p " in line}
    held = {int(line.partition("-")[0], 16) for line in done.stdout.split("\n") if " rw-p " in line}
    return sum(
        1 for start in held if start % (64 << 20) == 0 and any(start < other < start + (64 << 20) for other in starts)
    )


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_threads_take_memory_from_one_place() -> None:
    if not places("apart"):
        pytest.skip("this C library gives threads no place of their own")
    assert places("together") == 0


LARGE = """
from pathlib import Path
from toolkit.memory import keep_apart

keep_apart()
bytearray(16 << 20)  # once freed, glibc would take the next of this size from where all else is
large, above = bytearray(b"x" * (16 << 20)), [bytes(10_000) for _ in range(1_000)]
pages = lambda: int(Path("/proc/self/statm").read_text().split()[1])
before = pages()
del large
print(before - pages())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_large_arrays_are_given_back_whatever_came_after_them() -> None:
    done = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 12 << 20 >> 12
