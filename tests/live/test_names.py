"""Real servers, on ports that mean nothing, get the names that people use, with all their processes."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest

from exporter.model import Endpoint
from exporter.services.view import HostView
from exporter.sources.host import Host
from exporter.sources.procfshost import procfs_host
from quickstart.debian import Tree
from tests.live.support import servers, stack


@pytest.fixture
def host() -> Iterator[Host]:
    with closing(procfs_host()) as made:
        yield made


def family(view: HostView, pid: int) -> set[int]:
    """A process and all that it started."""
    found = {pid}
    while more := {one for one, process in view.processes.items() if process.facts.parent_pid in found} - found:
        found |= more
    return found


def assert_one_service(view: HostView, server: servers.Server, name: str, processes: int) -> None:
    members = family(view, server.child.pid)
    assert len(members) >= processes
    (service,) = {view.processes[pid].service for pid in members}
    assert service.split(":")[0] == name  # another one on this machine makes it `nginx:PORT`
    assert view.service_at(Endpoint("127.0.0.1", server.port)) == service


def test_every_process_of_a_server_is_in_its_service(tree: Tree, tmp_path: Path, host: Host) -> None:
    with ExitStack() as started:
        nginx = started.enter_context(servers.nginx(tree, tmp_path / "nginx", "return 204;"))
        redis = started.enter_context(servers.redis(tree, tmp_path / "redis"))
        postgresql = started.enter_context(servers.postgresql(tree, tmp_path / "postgresql"))
        backends = [started.enter_context(psycopg.connect(servers.dsn(postgresql.port))) for _ in range(2)]
        view = host.refresh(0.0)

        assert_one_service(view, nginx, "nginx", processes=2)
        assert_one_service(view, redis, "redis", processes=1)
        assert_one_service(view, postgresql, "postgres", processes=4 + len(backends))


def test_the_exporter_itself_is_named(tmp_path: Path, host: Host) -> None:
    with stack.exporter(tmp_path, "--no-collector.capture") as exporter:
        view = host.refresh(0.0)

        assert view.processes[exporter.child.pid].service == "larimar-exporter"
