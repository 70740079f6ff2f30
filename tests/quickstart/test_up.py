"""`larimar up` as a person runs it."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from quickstart import debian

pytestmark = pytest.mark.live
NAMES = ("exporter", "detector", "prometheus", "alertmanager")


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("debian")
    debian.obtain(("prometheus", "alertmanager"), folder, os.environ)
    return folder


@pytest.fixture
def flags(tmp_path: Path, unpacked: Path) -> list[str]:
    """Flags for free ports and a folder whose programs are unpacked already."""
    (tmp_path / "debian").symlink_to(unpacked)
    ports = zip(NAMES, free_ports(4), strict=True)
    return [f"--data={tmp_path}", "--scrape.interval=1s", *(f"--{name}.port={port}" for name, port in ports)]


class Up:
    """A running `larimar up`."""

    def __init__(self, flags: Sequence[str]) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "quickstart", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        self.output = self.process.stdout
        self.said = ""

    def until(self, pattern: str) -> re.Match[str]:
        """Read on until a line matches; the test's own time-out ends a wait in vain."""
        for line in self.output:
            self.said += line
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"ended without {pattern}:\n{self.said}")

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def finish(self) -> int:
        if not self.output.closed:
            self.said += self.output.read()
            self.output.close()
        return self.process.wait(60)


@pytest.fixture
def running(flags: list[str]) -> Iterator[Up]:
    up = Up(flags)
    yield up
    if up.process.poll() is None:
        up.process.terminate()
    up.finish()


def get(url: str) -> int:
    host, port = url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.request("GET", "/-/healthy")
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_services_are_shown_within_a_minute_and_nothing_is_left(running: Up, number: signal.Signals) -> None:
    urls = [running.until(rf"^{name} +(http://127\.0\.0\.1:\d+)$")[1] for name in NAMES]
    running.until(r"^SERVICE +PROTOCOL +REQ/S")
    running.until(r"^(prometheus|larimar-exporter|exporter) ")
    assert time.monotonic() - running.started < 60
    assert [get(url) for url in urls] == [200] * 4
    children = running.children()
    assert len(children) >= 4
    running.process.send_signal(number)
    assert running.finish() == 0, running.said
    assert [child for child in children if child.is_running()] == []


def test_one_that_dies_ends_everything_with_its_last_words(running: Up) -> None:
    running.until(r"^SERVICE ")
    children = running.children()
    next(child for child in children if "alertmanager" in Path(child.exe()).name).kill()
    assert running.finish() == 1
    assert re.search(r"larimar up: alertmanager ended with status -9; .*alertmanager\.log:\n +ts=", running.said)
    assert [child for child in children if child.is_running()] == []


def test_a_taken_port_is_named_with_its_flag_before_anything_starts(flags: list[str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        up = Up([*flags, f"--prometheus.port={port}"])
        assert up.finish() == 1
    assert up.said == (
        f"larimar up: 127.0.0.1:{port}: Address already in use; choose another port with --prometheus.port\n"
    )
    assert not (tmp_path / "prometheus.yml").exists()


def test_a_folder_in_use_is_named(running: Up, flags: list[str], tmp_path: Path) -> None:
    running.until(r"^data and logs in")
    ports = [f"--{name}.port={port}" for name, port in zip(NAMES, free_ports(4), strict=True)]
    second = Up([*flags, *ports])
    assert second.finish() == 1
    assert second.said == f"larimar up: {tmp_path}: in use by another larimar up; choose another folder with --data\n"


def test_a_folder_that_cannot_be_made_is_named(flags: list[str]) -> None:
    up = Up([*flags, "--data=/proc/larimar"])
    assert up.finish() == 1
    assert up.said.startswith("larimar up: /proc/larimar: No such file or directory; choose another folder with --data")
