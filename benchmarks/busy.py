"""Services that have work to do: each serves HTTP on loopback and asks the next one for pages of many routes."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.ports import free_ports

ROUTES = 40
READY_SECONDS = 120.0
# One page of each route by two methods, one missing and one that fails, round and round; no package is imported.
SERVICE = """\
import socket, sys, threading, time
own, following, routes, pause = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
STATUSES = {"GET": "200 OK", "POST": "201 Created", "PUT": "404 Not Found", "DELETE": "500 Oops"}
WORDS = ["alpha", "bravo", "carts", "deals", "edges", "flags", "goods", "hints", "items", "joins"]

def serve(connection):
    held = b""
    while data := connection.recv(65536):
        held += data
        while b"\\r\\n\\r\\n" in held:
            head, _, held = held.partition(b"\\r\\n\\r\\n")
            status = STATUSES[head.partition(b" ")[0].decode()]
            connection.sendall(f"HTTP/1.1 {status}\\r\\nContent-Length: 5\\r\\n\\r\\nhello".encode())

def accept(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()

threading.stack_size(262144)
listener = socket.create_server(("127.0.0.1", own))
threading.Thread(target=accept, args=(listener,), daemon=True).start()
print("ready", flush=True)
sys.stdin.readline()
connection = socket.create_connection(("127.0.0.1", following))
number = 0

def ask(method, route):
    path = f"/{WORDS[route % 10]}/{WORDS[route // 10]}/{number}"
    connection.sendall(f"{method} {path} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n".encode())
    answer = b""
    while not answer.endswith(b"hello"):
        data = connection.recv(65536)
        if not data:
            sys.exit()  # the benchmark is over
        answer += data

while True:
    for method in STATUSES:
        for route in range(routes):
            number += 1
            try:
                ask(method, route)
            except ConnectionError:
                sys.exit()
            time.sleep(pause)
"""


@contextmanager
def busy_services(folder: Path, count: int, requests_per_second: float) -> Iterator[None]:
    """Run so many services under names of their own, each of which makes its share of the requests."""
    ports = free_ports(count)
    with ExitStack() as started:
        running = []
        for number in range(count):
            program = folder / f"busy-{_letters(number)}.py"
            program.write_text(SERVICE)
            following = ports[(number + 1) % count]
            arguments = (ports[number], following, ROUTES, count / requests_per_second)
            running.append(started.enter_context(_service(program, *map(str, arguments))))
        deadline = time.monotonic() + READY_SECONDS
        for each in running:
            assert each.stdout is not None
            if each.stdout.readline() != b"ready\n" or time.monotonic() > deadline:
                raise TimeoutError("a service of the benchmark is not ready")
        for each in running:
            assert each.stdin is not None
            each.stdin.write(b"go\n")
            each.stdin.flush()
        yield


def _letters(number: int) -> str:
    """Return a name; numbers at the end would be taken for instances of one service."""
    return "".join("abcdefghij"[int(digit)] for digit in f"{number:03}")


@contextmanager
def _service(program: Path, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-I", "-S", str(program), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()
