"""Ten thousand processes that live for a moment: the processor time of all of them counts."""

import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.sources.host import Host
from exporter.sources.procfshost import procfs_host

CHILDREN = 10_000
LOOK_SECONDS = 5.0  # as the exporter does between scrapes
PAGE = """
import os, resource, sys, time
print(flush=True)
input()
spent = lambda who: sum(resource.getrusage(who)[:2])
before = spent(resource.RUSAGE_SELF) + spent(resource.RUSAGE_CHILDREN)
begun = time.monotonic()
for number in range(int(sys.argv[1])):
    if os.fork() == 0:
        while time.process_time() < 0.002 + 0.1 * (number % 500 == 0):  # a few of them are seen
            pass
        os._exit(0)
    if number % 4 == 3:  # four at a time
        while True:
            try:
                os.wait()
            except ChildProcessError:
                break
print(spent(resource.RUSAGE_SELF) + spent(resource.RUSAGE_CHILDREN) - before, time.monotonic() - begun, flush=True)
input()
"""


@pytest.fixture(params=[False, True], ids=["proc", "bpf"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    wanted: bool = request.param
    host = procfs_host(bpf=wanted)
    if wanted and not host.status().capabilities["bpf_tasks"]:
        host.close()
        pytest.skip("no eBPF here")
    yield host
    host.close()


@pytest.mark.long
def test_processes_that_live_for_a_moment_count(host: Host, tmp_path: Path) -> None:
    script = tmp_path / "rendering.py"
    script.write_text(PAGE)
    with subprocess.Popen(
        [sys.executable, script, str(CHILDREN)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdout.readline()
        before = host.sample(time.monotonic())["rendering"].counters
        parent.stdin.write("go\n")
        parent.stdin.flush()
        while not select.select([parent.stdout], [], [], LOOK_SECONDS)[0]:
            host.sample(time.monotonic())
        kernel, lasted = map(float, parent.stdout.readline().split())
        after = host.sample(time.monotonic())["rendering"].counters
        parent.kill()

    grown = after.growth(before)
    assert lasted < 600
    assert (grown.user_nanoseconds + grown.system_nanoseconds) / 1e9 == pytest.approx(kernel, rel=0.05)
