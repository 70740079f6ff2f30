"""UDP sockets and Unix connections of services that the test starts, as this kernel tells of them."""

import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from exporter.services.connects import WayKey
from exporter.sources.host import Host

LOOKS = 60
SERVER = """
import socket, sys
with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
    listener.bind(sys.argv[1])
    listener.listen()
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    udp.bind(("127.0.0.1", 0))
    print(udp.getsockname()[1], flush=True)
    accepted, _ = listener.accept()
    accepted.recv(1)
"""
CLIENT = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(flush=True); s.recv(1)"


def started(folder: Path, name: str, code: str) -> "subprocess.Popen[str]":
    (folder / name).write_text(code)
    command = [sys.executable, str(folder / name), str(folder / "socket")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_unix_connections_and_udp_drops_of_services(tmp_path: Path) -> None:
    with closing(Host()) as host, started(tmp_path, "ticketing.py", SERVER) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        with started(tmp_path, "booking.py", CLIENT) as client:
            assert client.stdout is not None
            client.stdout.readline()
            way = WayKey("booking", "ticketing")
            for now in range(LOOKS):
                host.sample(float(now))
                if way in host.unix_edges() and "ticketing" in host.udp():
                    break
            dropped = host.udp()["ticketing"].dropped
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for _ in range(200):
                    sender.sendto(b"x" * 1000, ("127.0.0.1", port))
            host.sample(float(LOOKS))
            edges, use = host.unix_edges(), host.udp()["ticketing"]
            client.kill()
        server.kill()

    assert edges[way] == 1
    assert use.sockets == 1
    assert 150 < use.dropped - dropped <= 200
