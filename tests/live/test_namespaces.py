"""Services that talk to themselves over the loopback of their own network namespaces, watched from outside."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from benchmarks.exporter import exporter, read, sample
from exporter.sources.interfaces import interfaces_up
from tests.live.support.namespace import chosen
from tests.live.support.waiting import until

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]

# The same addresses and the same ports, in both namespaces at once.
PORT, CLIENT_PORT = 8080, 40_000
REQUESTS = {"northshop": 40, "southshop": 70}
REQUEST = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\nAccept-Encoding: identity\r\n\r\n"
# The sockets are seen by those who follow namespaces for the packets' sake and for the bytes': each byte counts once.
SENT = {f"{name}{end}": requests * len(REQUEST) for name, requests in REQUESTS.items() for end in ("", "-client")}
SERVER = f"""
import http.server
class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"a page"[:5])
    def log_message(self, *words):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", {PORT}), Page)
print("ready", flush=True)
server.serve_forever()
"""
CLIENT = f"""
import http.client, sys
one = http.client.HTTPConnection("127.0.0.1", {PORT}, source_address=("127.0.0.1", {CLIENT_PORT}))
one.connect()
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[1])):
    one.request("GET", "/")
    one.getresponse().read()
print("done", flush=True)
sys.stdin.readline()
"""


@contextmanager
def network(ip: str, name: str) -> Iterator[list[str]]:
    """Make a namespace with its loopback up; give what runs a command in it."""
    if subprocess.run([ip, "netns", "add", name], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace can be made: needs ip(8) and CAP_SYS_ADMIN")
    try:
        subprocess.run([ip, "-n", name, "link", "set", "lo", "up"], check=True)
        yield [ip, "netns", "exec", name]
    finally:
        subprocess.run([ip, "netns", "del", name], check=True)


@contextmanager
def speaking(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Run what says `ready` once it is."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def tell(process: subprocess.Popen[str]) -> None:
    """Let it go on."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def counted(page: str) -> dict[str, float]:
    """Return the requests of the two servers."""
    found = re.findall(r"^larimar_requests_total\{([^}]*)\} (\S+)$", page, re.MULTILINE)
    totals = dict.fromkeys(REQUESTS, 0.0)
    for labels, value in found:
        name = re.search(r'service_name="([^"]*)"', labels)
        if name is not None and name[1] in totals and 'role="server"' in labels:
            totals[name[1]] += float(value)
    return totals


def sent(page: str) -> dict[str, float]:
    """Return the bytes that the clients' sockets sent and the servers' received."""
    found = dict.fromkeys(SENT, 0.0)
    lines = re.findall(r"^larimar_service_network_(transmit|receive)_bytes_total\{([^}]*)\} (\S+)$", page, re.MULTILINE)
    for name, labels, value in lines:
        service = re.search(r'service_name="([^"]*)"', labels)
        if service is not None and service[1] in found and (name == "transmit") == service[1].endswith("-client"):
            found[service[1]] += float(value)
    return found


def captured(url: str) -> float:
    """Return how many interfaces are captured."""
    return sample(read(f"{url}/metrics"), "larimar_capture_interfaces")


def test_services_on_loopbacks_of_their_own_are_counted_from_outside(tmp_path: Path) -> None:
    ip = shutil.which("ip")
    if ip is None:
        pytest.skip("no ip(8)")
    with ExitStack() as exporting, ExitStack() as running:
        servers, clients = [], []
        for name, requests in REQUESTS.items():
            (tmp_path / f"{name}.py").write_text(SERVER)
            (tmp_path / f"{name}-client.py").write_text(CLIENT)
            inside = running.enter_context(network(ip, f"larimar{os.getpid()}{name}"))
            servers.append(running.enter_context(speaking([*inside, sys.executable, str(tmp_path / f"{name}.py")])))
            asking = [*inside, sys.executable, str(tmp_path / f"{name}-client.py"), str(requests)]
            clients.append(running.enter_context(speaking(asking)))
        proc = chosen(tmp_path / "proc", [process.pid for process in (*servers, *clients)])
        flags = ("--capture.namespaces=all", f"--path.procfs={proc}", "--capture.cpu-budget=8")
        _, url = exporting.enter_context(exporter(*flags))
        alone = len(interfaces_up())
        until(lambda: captured(url) == alone + len(REQUESTS), 15, "rings in both namespaces")
        for client in clients:
            tell(client)
            assert client.stdout is not None
            assert client.stdout.readline() == "done\n"
        until(lambda: counted(read(f"{url}/metrics")) == REQUESTS, 15, lambda: str(counted(read(f"{url}/metrics"))))
        until(lambda: sent(read(f"{url}/metrics")) == SENT, 15, lambda: str(sent(read(f"{url}/metrics"))))
        running.close()
        # Nothing is left that would keep the namespaces: their rings are closed.
        until(lambda: captured(url) == alone, 20, "the rings to be closed")
        assert sent(read(f"{url}/metrics")) == SENT
