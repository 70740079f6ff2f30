"""Responses of a megabyte to a gigabyte over loopback: each is counted once, and memory stays what it was."""

import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.exporter import exporter, memory_bytes, read, sample
from quickstart.debian import Tree
from tests.live.support import servers
from tests.live.support.waiting import settled, until

pytestmark = [pytest.mark.long, pytest.mark.timeout(300), pytest.mark.usefixtures("capturing")]

SIZES = {"megabyte": 1 << 20, "ten": 10 << 20, "hundred": 100 << 20, "gigabyte": 1 << 30}
REQUESTS = {"megabyte": 400, "ten": 60, "hundred": 12, "gigabyte": 4}
CLIENTS = 4
MEMORY_BYTES = (32 + 40) * 10**6  # what --capture.memory allows by default, and what everything else may take
SITE = "root {folder};"


def fetch(port: int, name: str) -> int:
    """Ask for a file once on a connection of its own; return how many bytes came, the head included."""
    got, buffer = 0, bytearray(1 << 20)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"GET /{name} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        while size := connection.recv_into(buffer):
            got += size
    return got


def fetch_all(port: int) -> int:
    """Fetch everything, by several clients at once; return how many bytes came."""
    waiting = [name for name, count in REQUESTS.items() for _ in range(count)]
    got: list[int] = []

    def work() -> None:
        while waiting:
            try:
                name = waiting.pop()
            except IndexError:  # another one was faster
                return
            got.append(fetch(port, name))

    clients = [threading.Thread(target=work) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return sum(got)


@contextmanager
def greatest_memory(pid: int) -> Iterator[list[int]]:
    """Have the list hold a process's greatest resident memory of meanwhile."""
    most, done = [0], threading.Event()

    def look() -> None:
        while not done.wait(0.2):
            most[0] = max(most[0], memory_bytes(pid, "VmRSS"))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield most
    finally:
        done.set()
        looking.join()


def of_nginx(page: str, name: str) -> float:
    """Return the sum of a family over nginx, told by its port where others run, as a server of HTTP."""
    lines = re.findall(rf"^{name}\{{([^}}]*)\}} (\S+)$", page, re.MULTILINE)
    return sum(
        float(value)
        for labels, value in lines
        if re.search(r'service_name="nginx(:\d+)?"', labels)
        and 'protocol="http"' in labels
        and 'role="server"' in labels
    )


@pytest.mark.parametrize("filters", ["ebpf", "classic"])
def test_large_responses_are_counted_and_take_no_memory(tree: Tree, tmp_path: Path, filters: str) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for parent in (tmp_path.parent, tmp_path, folder):
        parent.chmod(0o755)  # nginx's workers are another user
    for name, size in SIZES.items():
        with (folder / name).open("wb") as file:
            os.truncate(file.fileno(), size)
    with (
        servers.nginx(tree, tmp_path / "nginx", SITE.format(folder=folder), "sendfile on;") as server,
        exporter(f"--capture.filter={filters}") as (pid, url),
    ):
        if f'filter="{filters}"' not in read(f"{url}/metrics"):
            pytest.skip(f"no {filters} filter to be had")
        fetch(server.port, "megabyte")  # by which the connection's ends become known
        with greatest_memory(pid) as most:
            came = fetch_all(server.port)
            requests = sum(REQUESTS.values()) + 1

            def is_counted() -> bool:
                page = read(f"{url}/metrics")
                error = sample(page, "larimar_capture_sampling_error_ratio")
                return of_nginx(page, "larimar_requests_total") >= requests * (0.99 - 3 * error)

            until(is_counted, 20, "requests")
            # What would be counted twice has been by then.
            settled(lambda: of_nginx(read(f"{url}/metrics"), "larimar_requests_total"), 2, 20)
        page = read(f"{url}/metrics")
    error = sample(page, "larimar_capture_sampling_error_ratio")
    assert of_nginx(page, "larimar_requests_total") == pytest.approx(requests, rel=0.01 + 3 * error)
    told = of_nginx(page, "larimar_response_bytes_total")
    assert told == pytest.approx(came, rel=0.02 + 3 * error)
    assert most[0] < MEMORY_BYTES
