"""The services of hosts as one meets them: real process trees, written down, and the names that people expect."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.model import Endpoint
from exporter.sources.procfshost import procfs_host
from tests.exporter.sources.proctree import ProcTree
from tests.exporter.sources.test_host import ADDRESSES, Table

PYTHON = "/usr/bin/python3.11"
POSTGRES = "/usr/lib/postgresql/15/bin/postgres"


@dataclass(frozen=True, slots=True)
class Line:
    """One process of a host, and the service that it should belong to."""

    pid: int
    parent: int
    executable: str
    command: str
    service: str
    unit: str = ""
    port: int = 0
    comm: str = ""
    directory: str = "/"


def unit(name: str) -> str:
    return f"0::/system.slice/{name}.service\n"


SYSTEMD_HOST = (
    Line(1, 0, "/usr/lib/systemd/systemd", "/sbin/init", "systemd", "0::/init.scope\n", comm="systemd"),
    Line(20, 1, "/usr/lib/systemd/systemd-journald", "/lib/systemd/systemd-journald", "systemd-journald",
         unit("systemd-journald")),
    Line(21, 1, "/usr/bin/dbus-daemon", "/usr/bin/dbus-daemon|--system|--address=systemd:", "dbus", unit("dbus")),
    Line(22, 1, "/usr/sbin/cron", "/usr/sbin/cron|-f", "cron", unit("cron")),
    Line(23, 22, "/usr/sbin/cron", "/usr/sbin/CRON|-f", "cron", unit("cron")),
    Line(24, 23, "/usr/bin/dash", "/bin/sh|-c|/opt/backup/nightly.sh", "cron", unit("cron")),
    Line(25, 24, "/usr/bin/bash", "/bin/bash|/opt/backup/nightly.sh", "nightly", unit("cron")),
    Line(30, 1, "/usr/sbin/sshd", "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", "sshd", unit("ssh"), 22),
    Line(31, 30, "/usr/sbin/sshd", "sshd: ann [priv]", "sshd", "0::/user.slice/user-1000.slice/session-4.scope\n"),
    Line(32, 31, "/usr/sbin/sshd", "sshd: ann@pts/0", "sshd", "0::/user.slice/user-1000.slice/session-4.scope\n"),
    Line(33, 32, "/usr/bin/bash", "-bash", "bash", "0::/user.slice/user-1000.slice/session-4.scope\n"),
    Line(40, 1, "/usr/sbin/nginx", "nginx: master process /usr/sbin/nginx -g daemon on;", "nginx", unit("nginx"), 80),
    Line(41, 40, "/usr/sbin/nginx", "nginx: worker process", "nginx", unit("nginx")),
    Line(42, 40, "/usr/sbin/nginx", "nginx: worker process", "nginx", unit("nginx")),
    Line(43, 40, "/usr/sbin/nginx", "nginx: cache manager process", "nginx", unit("nginx")),
    Line(50, 1, "/usr/bin/redis-check-rdb", "/usr/bin/redis-server 127.0.0.1:6379", "redis", unit("redis-server"),
         6379, comm="redis-server"),
    Line(60, 1, POSTGRES, f"{POSTGRES}|-D|/var/lib/postgresql/15/main", "postgres@15-main",
         "0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n", 5432),
    Line(61, 60, POSTGRES, "postgres: 15/main: checkpointer ", "postgres@15-main",
         "0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n"),
    Line(62, 60, POSTGRES, "postgres: 15/main: shop shop 10.0.0.7(41734) idle", "postgres@15-main",
         "0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n"),
    Line(70, 1, PYTHON, "/srv/shop/venv/bin/python|/srv/shop/venv/bin/gunicorn|-w|2|shop.wsgi:application", "web",
         unit("web"), 8000),
    Line(71, 70, PYTHON, "/srv/shop/venv/bin/python|/srv/shop/venv/bin/gunicorn|-w|2|shop.wsgi:application", "web",
         unit("web")),
    Line(80, 1, "/usr/sbin/php-fpm8.2", "php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)", "php-fpm",
         unit("php8.2-fpm")),
    Line(81, 80, "/usr/sbin/php-fpm8.2", "php-fpm: pool www", "php-fpm", unit("php8.2-fpm")),
)  # fmt: skip

BARE_HOST = (
    Line(1, 0, "/usr/bin/tini", "/usr/bin/tini|--|/start.sh", "tini"),
    Line(40, 1, "/usr/sbin/nginx", "nginx: master process nginx -g daemon off;", "nginx", port=8080),
    Line(41, 40, "/usr/sbin/nginx", "nginx: worker process", "nginx"),
    Line(42, 40, "/usr/sbin/nginx", "nginx: worker process is shutting down", "nginx"),
    Line(45, 1, "/usr/sbin/nginx", "nginx: master process nginx -c /srv/other.conf", "nginx:8081", port=8081),
    Line(46, 45, "/usr/sbin/nginx", "nginx: worker process", "nginx:8081"),
    Line(50, 1, "/usr/bin/redis-check-rdb", "redis-server *:7001", "redis", port=7001, comm="redis-server"),
    Line(60, 1, POSTGRES, "postgres|-D|/data|-p|7002", "postgres", port=7002),
    *(
        Line(61 + at, 60, POSTGRES, f"postgres: {title}", "postgres")
        for at, title in enumerate(
            ("checkpointer ", "background writer ", "walwriter ", "autovacuum launcher ",
             "logical replication launcher ", "shop shop 127.0.0.1(50122) SELECT", "parallel worker for PID 66 ")
        )
    ),
    Line(70, 1, PYTHON, "/venv/bin/python|/venv/bin/gunicorn|-w|4|till.wsgi", "till", port=8000),
    Line(71, 70, PYTHON, "/venv/bin/python|/venv/bin/gunicorn|-w|4|till.wsgi", "till"),
    Line(72, 1, PYTHON, "gunicorn: master [cart.wsgi]", "cart", port=8001),
    Line(73, 72, PYTHON, "gunicorn: worker [cart.wsgi]", "cart"),
    Line(80, 1, "/usr/local/bin/node", "node|server.js", "storefront", port=3000, directory="/srv/storefront"),
    Line(81, 80, "/usr/local/bin/node", "/usr/local/bin/node|/srv/storefront/worker.js", "worker"),
    Line(82, 1, "/usr/local/bin/node", "npm start", "npm", directory="/srv/front"),
    Line(83, 82, "/usr/bin/dash", "sh|-c|node index.js", "npm", directory="/srv/front"),
    Line(84, 83, "/usr/local/bin/node", "node|index.js", "front", port=3001, directory="/srv/front"),
    Line(90, 1, "/usr/lib/jvm/java-17-openjdk-amd64/bin/java", "java|-Xmx1g|-jar|/opt/orders-1.4.2.jar", "orders",
         port=9000),
    Line(91, 1, "/usr/sbin/php-fpm8.2", "php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)", "php-fpm"),
    Line(92, 91, "/usr/sbin/php-fpm8.2", "php-fpm: pool www", "php-fpm"),
    Line(93, 91, "/usr/sbin/php-fpm8.2", "php-fpm: pool shop", "php-fpm/shop"),
    Line(95, 1, PYTHON, "python|-m|exporter|--web.listen-address=:10177", "larimar-exporter", port=10177,
         comm="larimar-exporte"),
    Line(96, 1, PYTHON, "/venv/bin/python|/venv/bin/larimar-detector", "larimar-detector", port=10178),
    Line(97, 96, PYTHON, "/venv/bin/python|-c|from multiprocessing.spawn import spawn_main", "larimar-detector"),
)  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> ProcTree:
    return ProcTree.at(tmp_path / "proc")


def write(tree: ProcTree, table: Table, lines: tuple[Line, ...]) -> None:
    for line in lines:
        command = line.command.replace("|", "\0").encode()
        folder = tree.add(
            line.pid, command, parent=line.parent, start=line.pid, executable=line.executable, comm=line.comm.encode()
        )
        if line.unit:
            (folder / "cgroup").write_text(line.unit)
        (folder / "cwd").symlink_to(line.directory)
        if line.port:
            tree.open_socket(line.pid, 5, line.port)
            table.listen(line.port, line.port)


@pytest.fixture(params=[SYSTEMD_HOST, BARE_HOST], ids=["systemd", "bare"])
def lines(request: pytest.FixtureRequest) -> tuple[Line, ...]:
    chosen: tuple[Line, ...] = request.param
    return chosen


def test_every_process_of_a_typical_host_is_in_the_service_that_people_expect(
    tree: ProcTree, lines: tuple[Line, ...]
) -> None:
    table = Table()
    write(tree, table, lines)
    with closing(procfs_host(tree.path, table, addresses=lambda: ADDRESSES)) as host:
        view = host.refresh(0.0)

    assert {line.pid: view.processes[line.pid].service for line in lines} == {line.pid: line.service for line in lines}
    for line in lines:
        assert not line.port or view.service_at(Endpoint("127.0.0.1", line.port)) == line.service
