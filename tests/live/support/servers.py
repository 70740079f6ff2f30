"""nginx, Redis and PostgreSQL in folders of their own, on ports that mean nothing."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from quickstart.debian import Tree, opened
from tests.live.support.processes import Child, Command, accepts, free_port, running


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Attributes:
        port: where it listens on loopback.
        child: its first process.
        folder: where its files are.
        log: what it says of each request, where it was told to.
    """

    port: int
    child: Child
    folder: Path
    log: Path


NGINX = """\
daemon off;
master_process on;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  log_format timed '$status $request_time';
  access_log {log} timed;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 100000;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
{http}
  server {{
    listen 127.0.0.1:{port};
{server}
  }}
}}
"""


@contextmanager
def nginx(tree: Tree, folder: Path, server: str, http: str = "") -> Iterator[Server]:
    """Run nginx with the given directives inside `server {}` and inside `http {}`."""
    folder.mkdir()
    port, log = free_port(), folder / "access.log"
    write_nginx(folder, port, server, http)
    command = Command(
        (tree.binary("nginx"), "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"),
        folder / "output.log",
        tree.environment({}),
        ends_by=signal.SIGQUIT,
    )
    with running(command, lambda: accepts(port)) as child:
        yield Server(port, child, folder, log)


def write_nginx(folder: Path, port: int, server: str, http: str = "") -> None:
    """Write nginx's configuration; a SIGHUP makes a running one read it again."""
    text = NGINX.format(folder=folder, log=folder / "access.log", port=port, server=server, http=http)
    (folder / "nginx.conf").write_text(text)


@contextmanager
def redis(tree: Tree, folder: Path, *options: str) -> Iterator[Server]:
    """Run Redis without persistence."""
    folder.mkdir()
    port = free_port()
    command = Command(
        (
            *(tree.binary("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--dir", folder),
            *("--save", "", "--appendonly", "no", *options),
        ),
        folder / "redis.log",
        tree.environment({}),
    )
    with running(command, lambda: accepts(port)) as child:
        yield Server(port, child, folder, folder / "redis.log")


@contextmanager
def postgresql(tree: Tree, folder: Path, *settings: str) -> Iterator[Server]:
    """Run PostgreSQL, which refuses to be root, with a database `postgres` of a user `tester` without a password."""
    folder.mkdir()
    user = _other_user() if os.geteuid() == 0 else None
    if user is not None:
        _let_through(folder)
        os.chown(folder, user, user)
        tree = _within_reach(tree, folder)
    port, data, log = free_port(), folder / "data", folder / "postgresql.log"
    initialise = (tree.binary("initdb"), "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync")
    subprocess.run(
        [str(part) for part in initialise],
        check=True,
        capture_output=True,
        env={**os.environ, **tree.environment({}), "LC_ALL": "C"},
        user=user,
        group=user,
        cwd=folder,
    )
    options = ("fsync=off", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", *settings)
    command = Command(
        (tree.binary("postgres"), "-D", data, "-p", str(port), *(part for each in options for part in ("-c", each))),
        log,
        {**tree.environment({}), "LC_ALL": "C"},
        user,
        signal.SIGINT,
    )
    log.touch()
    with running(command, lambda: _is_ready(data / "postmaster.pid")) as child:
        yield Server(port, child, folder, log)
    shutil.rmtree(data)


def _is_ready(status: Path) -> bool:
    """Return what a starting PostgreSQL says of itself: who asked it by a connection would be refused, and counted."""
    return status.exists() and status.read_text().rstrip().endswith("\nready")


def dsn(port: int) -> str:
    """Return how a client reaches the PostgreSQL on `port`, without TLS."""
    return f"host=127.0.0.1 port={port} user=tester dbname=postgres sslmode=disable gssencmode=disable"


def _other_user() -> int:
    return pwd.getpwnam("nobody").pw_uid


def _within_reach(tree: Tree, folder: Path) -> Tree:
    """Return a copy of the packages in `folder` where those in the checkout are hidden from other users."""
    if all(above.stat().st_mode & 0o001 for above in tree.binary("postgres").resolve().parents):
        return tree
    shutil.copytree(tree.root, folder / "packages" / "root", symlinks=True)
    return opened(folder / "packages", {"PATH": ""})


def _let_through(folder: Path) -> None:
    """Let other users pass the folders above, which pytest makes for its own user only."""
    for above in folder.parents:
        if above.stat().st_uid == os.geteuid() and not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o011)
