"""Without privileges the host shows what it may, and says what it may not."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.sources.host import Host
from exporter.sources.procfs import Procfs
from exporter.sources.procfshost import may_trace, procfs_host


@pytest.fixture
def hosts_of_nobody() -> Iterator[Host]:
    """Read as a user without privileges, whoever runs the test."""
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(65534)
    host = procfs_host()
    yield host
    host.close()
    if was_root:
        os.seteuid(0)


@pytest.fixture
def server_of_root(tmp_path: Path) -> Iterator[int]:
    """A process that the user without privileges may not look into: the first one where nobody here is root."""
    if os.geteuid() != 0:
        yield 1
        return
    script = tmp_path / "ticketing.py"
    script.write_text("import sys; print(flush=True); sys.stdin.read()")
    with subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_other_users_processes_are_named_and_their_cpu_counts(server_of_root: int, hosts_of_nobody: Host) -> None:
    resources = hosts_of_nobody.sample(0.0)

    view = hosts_of_nobody.view()
    found = resources[view.processes[server_of_root].service]
    assert found.gauges.processes >= 1
    assert found.gauges.resident_bytes > 0
    assert view.processes[server_of_root].facts.executable == ""


@pytest.mark.usefixtures("server_of_root")
def test_what_is_forbidden_is_reported(hosts_of_nobody: Host) -> None:
    hosts_of_nobody.sample(0.0)

    capabilities = hosts_of_nobody.status().capabilities
    assert not capabilities["proc_io"]
    assert not capabilities["proc_executables"]
    assert capabilities["sock_diag"]


def test_a_privileged_host_may_all() -> None:
    if not may_trace(Procfs(Path("/proc"))):
        pytest.skip("needs CAP_SYS_PTRACE")
    host = procfs_host()
    host.sample(0.0)

    told = host.status().capabilities
    assert all(told[name] for name in ("proc_io", "proc_files", "proc_executables"))
    host.close()
