"""Readings of cgroups: from a tree as the kernel shows it, and from the kernel's own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.services.cgroups import CgroupReading
from exporter.services.resources import ServiceResources
from exporter.sources.cgroup import CgroupReader, mounted, reading
from exporter.sources.host import Host
from exporter.sources.procfshost import procfs_host

# Its children end between two looks, and are never waited for: the kernel's count of the cgroup is the truth.
ORPHANS = """
import os, pathlib, signal, sys, time
folder = pathlib.Path(sys.argv[1])
(folder / "cgroup.procs").write_text(str(os.getpid()))
signal.signal(signal.SIGCHLD, signal.SIG_IGN)

def used():
    return int((folder / "cpu.stat").read_text().split()[1]) / 1e6

print(flush=True)
input()
before = used()
for _ in range(100):
    if os.fork() == 0:
        begun = time.process_time()
        while time.process_time() - begun < 0.003:
            pass
        os._exit(0)
while len((folder / "cgroup.procs").read_text().split()) > 1:
    time.sleep(0.01)
print(used() - before, flush=True)
input()
"""


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)


def test_a_cgroup_is_read_with_the_least_limit_above_it(tmp_path: Path) -> None:
    write(tmp_path / "shop.slice", memory_max="5000\n")
    write(
        tmp_path / "shop.slice/shop.service",
        cpu_stat="usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 1\nthrottled_usec 7\n",
        cpu_pressure="some avg10=0.00 avg60=0.00 total=11\nfull avg10=0.00 avg60=0.00 total=3\n",
        memory_max="max\n",
        memory_events="low 0\noom 2\noom_kill 1\n",
    )

    found = reading(tmp_path, "/shop.slice/shop.service")

    assert found == CgroupReading(20_000, 10_000, 7000, {"cpu": 11_000}, 5000, 1)


def test_what_is_not_controlled_is_not_told(tmp_path: Path) -> None:
    write(
        tmp_path / "shop", cpu_stat="usage_usec 30\nuser_usec 20\nsystem_usec 10\n", cpu_pressure="nonsense total=x\n\n"
    )

    assert reading(tmp_path, "/shop") == CgroupReading(20_000, 10_000)
    assert reading(tmp_path, "/gone") is None


def test_a_path_out_of_the_hierarchy_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "secret", cpu_stat="usage_usec 30\n")
    (tmp_path / "root").mkdir()

    assert reading(tmp_path / "root", "/../secret") is None


def test_without_version_2_nothing_is_read_and_that_is_told(tmp_path: Path) -> None:
    write(tmp_path / "self", mountinfo="30 1 0:26 / /sys/fs/cgroup/cpu rw,nosuid - cgroup cgroup rw,cpu\n")
    reader = CgroupReader(tmp_path)

    assert not reader.available
    assert reader.read(["/shop"]) == {}
    assert mounted(tmp_path / "none") is None


def test_a_mount_with_a_space_is_found(tmp_path: Path) -> None:
    write(tmp_path / "self", mountinfo="30 1 0:26 / /my\\040groups rw shared:9 - cgroup2 cgroup2 rw\n")

    assert mounted(tmp_path) == Path("/my groups")


@pytest.fixture
def own_cgroup() -> Iterator[Path]:
    root = mounted(Path("/proc"))
    if root is None or not os.access(root, os.W_OK):
        pytest.skip("no cgroups of version 2 that may be made")
    folder = root / f"larimar-test-{os.getpid()}.service"
    folder.mkdir()
    yield folder
    folder.rmdir()


def test_children_that_nobody_waits_for_count_in_a_cgroup_of_the_services_own(own_cgroup: Path) -> None:
    host = procfs_host(bpf=False)
    with subprocess.Popen(
        [sys.executable, "-c", ORPHANS, str(own_cgroup)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdout.readline()
        before = of_service(host, parent.pid, 0.0)
        parent.stdin.write("go\n")
        parent.stdin.flush()
        kernel = float(parent.stdout.readline())
        after = of_service(host, parent.pid, 60.0)
        parent.kill()
    host.close()

    grown = after.counters.growth(before.counters)
    assert (grown.user_nanoseconds + grown.system_nanoseconds) / 1e9 == pytest.approx(kernel, rel=0.05)
    assert after.gauges.processes == 1
    assert after.cgroups is not None
    assert set(after.cgroups.waiting_nanoseconds) <= {"cpu", "io", "memory"}
    assert host.status().capabilities["cgroup_v2"]


def of_service(host: Host, pid: int, now: float) -> ServiceResources:
    found = host.sample(now)
    return found[host.view().processes[pid].service]
