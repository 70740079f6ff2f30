"""Loads whose packets are long or short, for real servers on loopback."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from quickstart.debian import Tree
from tests.live.support import servers
from tests.live.support.nats import Client, nats

CLIENTS = 4


@dataclass(frozen=True, slots=True)
class Load:
    """What is done to a server on loopback.

    Attributes:
        start: runs the server; gives its port and process.
        run: asks it; returns how many messages that made.
    """

    start: Callable[[Tree, Path], "Running"]
    run: Callable[[Tree, int], int]


class Running:
    """A server and how to end it."""

    def __init__(self, port: int, pid: int, ending: ExitStack) -> None:
        self.port = port
        self.pid = pid
        self.ending = ending


def start_redis(tree: Tree, folder: Path) -> Running:
    """Run Redis."""
    ending = ExitStack()
    server = ending.enter_context(servers.redis(tree, folder))
    return Running(server.port, server.child.pid, ending)


def start_nginx(tree: Tree, folder: Path) -> Running:
    """Run nginx with a short answer and files of two sizes."""
    ending = ExitStack()
    server = ending.enter_context(
        servers.nginx(
            tree, folder, f'root {folder}; location = / {{ return 200 "a page"; }}', "access_log off; sendfile on;"
        )
    )
    for name, size in (("256k", 256 << 10), ("10m", 10 << 20)):
        (folder / name).write_bytes(os.urandom(size))
    folder.parent.chmod(0o755)  # nginx's workers are another user
    return Running(server.port, server.child.pid, ending)


def start_nats(tree: Tree, folder: Path) -> Running:
    """Run NATS; the tree is its own module's."""
    del tree
    ending = ExitStack()
    server = ending.enter_context(nats(folder))
    return Running(server.port, pid_of(server.port), ending)


def pid_of(port: int) -> int:
    """Return which child of this process listens on a port."""
    inode = next(
        line.split()[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()
        if f":{port:04X} 00000000:0000 0A" in line
    )
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            for descriptor in Path(f"/proc/{child}/fd").iterdir():
                if str(descriptor.readlink()) == f"socket:[{inode}]":
                    return int(child)
    raise LookupError(f"nobody listens on port {port}")


def ask_redis(requests: int, pipeline: int, command: str, size: int) -> Callable[[Tree, int], int]:
    """Return a load of redis-benchmark."""

    def run(tree: Tree, port: int) -> int:
        arguments = ["-p", str(port), "-n", str(requests), "-P", str(pipeline), "-t", command, "-d", str(size), "-q"]
        program = [str(tree.binary("redis-benchmark")), *arguments, "-c", str(CLIENTS)]
        subprocess.run(program, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **tree.environment({})})
        return requests

    return run


def ask_nginx(requests: int, path: str) -> Callable[[Tree, int], int]:
    """Return a load of requests, each after the answer to the one before."""

    def ask(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            buffer = bytearray(1 << 18)
            for _ in range(requests // CLIENTS):
                connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                got = connection.recv_into(buffer)
                head, _, body = bytes(buffer[:got]).partition(b"\r\n\r\n")
                left = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]) - len(body)
                while left:
                    left -= connection.recv_into(buffer)

    def run(tree: Tree, port: int) -> int:
        del tree
        side_by_side(lambda: ask(port))
        return requests // CLIENTS * CLIENTS

    return run


def side_by_side(act: Callable[[], None]) -> None:
    """Do the same in several threads."""
    threads = [threading.Thread(target=act) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def publish(messages: int, size: int, per_second: float) -> Callable[[Tree, int], int]:
    """Return a load that publishes to nobody, 64 KiB at a time."""
    batch = (1 << 16) // (size + 24)

    def run(tree: Tree, port: int) -> int:
        del tree
        with closing(Client(port)) as client:
            lines = b"".join(b"PUB orders.new %d\r\n" % size + b"x" * size + b"\r\n" for _ in range(batch))
            began = time.monotonic()
            for number in range(messages // batch):
                client.say(lines)
                time.sleep(max(0.0, began + number * batch / per_second - time.monotonic()))
            client.ping()
        return messages // batch * batch

    return run


LOADS = {
    "redis, one at a time": Load(start_redis, ask_redis(40_000, 1, "get", 3)),
    "redis, pipelines of 16": Load(start_redis, ask_redis(200_000, 16, "get", 3)),
    "redis, pipelines of 256": Load(start_redis, ask_redis(400_000, 256, "get", 3)),
    "redis, 256 sets of 200 bytes": Load(start_redis, ask_redis(400_000, 256, "set", 200)),
    "nginx, a line": Load(start_nginx, ask_nginx(12_000, "")),
    "nginx, 256 KiB": Load(start_nginx, ask_nginx(8_000, "256k")),
    "nginx, 10 MiB": Load(start_nginx, ask_nginx(200, "10m")),
    "nats, 128 bytes": Load(start_nats, publish(200_000, 128, 200_000)),
    "nats, without a pause": Load(start_nats, publish(400_000, 128, 1e9)),
}
