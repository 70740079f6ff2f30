"""The exporter on a system without procfs, without netlink and without what only Unix has."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter import doctor
from exporter.doctor import DoctorConfig, probed
from exporter.privileges import LOSSES

# Another system is made of this one: nothing of Linux' own can be imported or found but by psutil itself.
SCRIPT = """
import http.client, os, psutil, socket, sys
from pathlib import Path

for module in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[module] = None
for name in ("AF_PACKET", "AF_NETLINK", "SOCK_CLOEXEC"):
    delattr(socket, name)

from exporter.app import App
from exporter.config import Config
from toolkit.values import Address

config = Config(listen=Address("127.0.0.1", 0), host_method="psutil", procfs=Path("/nowhere"), capture=False)
app = App(config)
app.round()
app.round()
connection = http.client.HTTPConnection("127.0.0.1", app.server.address.port)
connection.request("GET", "/metrics")
print(connection.getresponse().read().decode())
connection.close()
app.close()
"""


def test_without_anything_of_linux_it_serves_what_psutil_tells() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True)
    told = [one for family in text_string_to_metric_families(done.stdout) for one in family.samples]
    found = {(one.name, *one.labels.values()): one.value for one in told}
    names = {name for name, *_ in found}

    assert found["larimar_capability_available", "procfs"] == 0
    assert {
        "larimar_service_cpu_seconds_total",
        "larimar_service_memory_resident_bytes",
        "larimar_service_threads",
        "larimar_listen_info",
        "larimar_service_info",
    } <= names
    assert not names & {"larimar_service_page_faults_total", "larimar_service_memory_swap_bytes"}
    failed = {key for key, value in found.items() if key[0] == "larimar_loop_failures_total" and value}
    assert not failed
    assert done.stderr.count("not permitted to see everything") == 1


def test_the_doctor_says_that_there_is_no_procfs(capsys: pytest.CaptureFixture[str]) -> None:
    tried: dict[str, Callable[[], object]] = dict(probed(DoctorConfig(), has_procfs=False))
    assert tried.keys() == {"capture", "procfs"}
    procfs = tried["procfs"]
    assert isinstance(procfs, partial)
    check = doctor.Check("procfs", procfs(), LOSSES["procfs"])
    text = doctor.as_text([check])

    assert "no  procfs: not on this system; psutil tells less" in text
    assert "lost: page faults" in text
