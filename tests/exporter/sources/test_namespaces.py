"""A server in a network namespace of its own, as in a container: seen at the host's end of its pair of interfaces.

Nobody computes checksums between the two, and segments leave whole, up to 64 KB long.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from exporter.net.engine import Engine
from exporter.sources.capture import Capture
from exporter.sources.errors import SourceError
from tests.exporter.net.packets import Opened

MEMORY_BYTES = 16 << 20
WAIT_SECONDS = 20.0
ANSWER_BYTES = 1 << 20
# Addresses for tests of networks (RFC 2544) and for documentation, which no real interface has.
SERVER, CLIENT = {4: "198.18.77.2", 6: "2001:db8:77::2"}, {4: "198.18.77.1", 6: "2001:db8:77::1"}
PREFIX = {4: 30, 6: 64}
SERVE = f"""
import socket
with socket.create_server(("::", 8080), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
    print("ready", flush=True)
    while True:
        served, _ = listener.accept()
        with served:
            served.recv(100)
            served.sendall(b"y" * {ANSWER_BYTES})
"""


@dataclass(frozen=True, slots=True)
class Pod:
    """A namespace with a server, and the host's interface to it."""

    name: str
    interface: str


@pytest.fixture(scope="module")
def pod() -> Iterator[Pod]:
    made = Pod(f"larimar{os.getpid()}", f"larn{os.getpid() % 10_000}")
    ip = shutil.which("ip")
    if ip is None or subprocess.run([ip, "netns", "add", made.name], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace can be made: needs ip(8) and CAP_SYS_ADMIN")
    inside = [ip, "-n", made.name]
    try:
        link = [ip, "link", "add", made.interface, "type", "veth", "peer", "name", "eth0", "netns", made.name]
        if subprocess.run(link, capture_output=True, check=False).returncode:
            pytest.skip("no pair of network interfaces can be made: needs veth and CAP_NET_ADMIN")
        for family, prefix in PREFIX.items():
            options = ["nodad"] if family == 6 else []
            client, server = (f"{side[family]}/{prefix}" for side in (CLIENT, SERVER))
            subprocess.run([ip, "address", "add", client, "dev", made.interface, *options], check=True)
            subprocess.run([*inside, "address", "add", server, "dev", "eth0", *options], check=True)
        subprocess.run([ip, "link", "set", made.interface, "up"], check=True)
        subprocess.run([*inside, "link", "set", "eth0", "up"], check=True)
        serve = [ip, "netns", "exec", made.name, sys.executable, "-c", SERVE]
        with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server_process:
            try:
                assert server_process.stdout is not None
                assert server_process.stdout.readline() == "ready\n"
                yield made
            finally:
                server_process.kill()
    finally:
        subprocess.run([ip, "link", "del", made.interface], capture_output=True, check=False)
        subprocess.run([ip, "netns", "del", made.name], capture_output=True, check=False)


@pytest.mark.live
@pytest.mark.parametrize("family", PREFIX)
def test_a_server_in_a_namespace_is_seen_from_the_host(pod: Pod, family: int) -> None:
    try:
        capture = Capture((pod.interface,), 2048, MEMORY_BYTES)
    except SourceError as error:
        pytest.skip(str(error))
    opened = Opened()
    engine = Engine(opened)
    with closing(capture):
        with socket.create_connection((SERVER[family], 8080)) as client:
            client.sendall(b"question")
            left = ANSWER_BYTES
            while left:
                left -= len(client.recv(1 << 16))
        deadline = time.monotonic() + WAIT_SECONDS
        while not any(consumer.ended for consumer in opened.consumers if consumer.flow.server.port == 8080):
            assert time.monotonic() < deadline, engine.counters()
            capture.drain(engine)
    (consumer,) = [consumer for consumer in opened.consumers if consumer.flow.server.port == 8080]
    assert (consumer.flow.client.address, consumer.flow.server.address) == (CLIENT[family], SERVER[family])
    assert consumer.flow.sure
    assert consumer.bytes(0) == b"question"
    assert len(consumer.bytes(1)) == ANSWER_BYTES, "what was not copied is counted"
    assert set(consumer.bytes(1)) <= set(b"y?")
    counters = engine.counters()
    assert counters.malformed == dict.fromkeys(counters.malformed, 0)
