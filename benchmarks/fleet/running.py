"""Starts services as their recipes say, and ends them."""

import contextlib
import os
import pwd
import random
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template

from benchmarks.fleet.recipe import PORTS, Recipe, Way
from quickstart.debian import Tree, unpack
from tests.live.support.processes import accepts

ROOT = Path(__file__).parents[2] / ".larimar"
FLEET = ROOT / "fleet"
PACKAGES = ROOT / "packages"
HIERARCHIES = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))  # version 2 alone, and beside version 1
# What Debian calls the unit, where that is not the service's own name.
DEBIAN_UNITS = {"bind": "named", "pushgateway": "prometheus-pushgateway", "php-fpm/shop": "php8.2-fpm"}
APART = frozenset(("syslog-ng-core",))  # apt installs no two collectors of system logs, and here nothing is installed
PYTHON_PACKAGES = (  # kombu, celery's transport, wants a newer redis from 5.7 on than arq admits
    "aiohttp aiosmtpd amqtt arq asyncssh celery<5.7 cheroot daphne dnslib fakeredis flask gunicorn hypercorn kombu<5.7"
    " mysql-mimic packaging psycopg[binary] pyftpdlib redis rq sanic starlette supervisor tornado twisted uvicorn"
    " waitress wsgidav"
)
NODE_PACKAGES = (
    "@electric-sql/pglite @electric-sql/pglite-socket @hapi/hapi aedes express fastify ftp-srv http-proxy http-server"
    " json-server koa ldapjs sirv-cli smtp-server statsd"
)
END_SECONDS = 5.0


class FleetError(Exception):
    """A service did not start; says which and what it said."""


@dataclass(frozen=True, slots=True)
class Kit:
    """Where programs are.

    Attributes:
        tree: Debian's packages.
        values: what `$name` stands for in every recipe.
    """

    tree: Tree
    values: Mapping[str, str]


def kit(recipes: Sequence[Recipe]) -> Kit:
    """Fetch what the recipes need and is not there yet."""
    packages = {package for recipe in recipes for package in recipe.packages}
    unpack(sorted(packages - APART), PACKAGES, os.environ)
    tree = unpack(sorted(packages), PACKAGES, os.environ)
    venv, modules = FLEET / "venv", FLEET / "npm" / "node_modules"
    if _lacks(venv, PYTHON_PACKAGES):
        _run([sys.executable, "-m", "venv", str(venv)])
        _run([str(venv / "bin" / "pip"), "install", "-q", *PYTHON_PACKAGES.split()])
        _has(venv, PYTHON_PACKAGES)
    if _lacks(modules.parent, NODE_PACKAGES):
        modules.parent.mkdir(parents=True, exist_ok=True)
        _run(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(modules.parent), *NODE_PACKAGES.split()])
        _has(modules.parent, NODE_PACKAGES)
    return kit_of(tree, venv, modules)


def _lacks(folder: Path, packages: str) -> bool:
    """Return whether a folder was not given just these packages."""
    record = folder / "packages.txt"
    return not record.exists() or record.read_text() != packages


def _has(folder: Path, packages: str) -> None:
    (folder / "packages.txt").write_text(packages)


def kit_of(tree: Tree, venv: Path, modules: Path) -> Kit:
    """Return the kit of what is there already."""
    return Kit(
        tree,
        {
            "root": str(tree.root),
            "venv": str(venv),
            "npm": str(modules),
            "site": sysconfig.get_path("purelib"),
            "path": os.environ["PATH"],
            "libraries": tree.environment({}).get("LD_LIBRARY_PATH", ""),
            "erlang": str(next(iter(tree.root.glob("usr/lib/erlang/erts-*/bin")), "")),
            "rabbitmq": str(next(iter(tree.root.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*")), "")),
            **PORTS,
        },
    )


@dataclass(slots=True)
class Running:
    """A service that runs.

    Attributes:
        port: where it listens on loopback.
        process: the first one that was started, a supervisor or a script in some ways.
    """

    recipe: Recipe
    port: int
    folder: Path
    process: subprocess.Popen[bytes]
    restart: Callable[[], subprocess.Popen[bytes]]

    def end(self) -> None:
        """End it and all that it started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                break
            try:
                self.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        self.process.wait(END_SECONDS)
        if self.recipe.way is Way.UNIT:
            with contextlib.suppress(OSError):  # a worker may still be on its way out
                unit_of(self.recipe).rmdir()


@contextmanager
def running(recipe: Recipe, kit_: Kit, folder: Path, port: int = 0) -> Iterator[Running]:
    """Run one service.

    Raises:
        FleetError: it ended at once, or was not ready in time.
    """
    one = start(recipe, kit_, folder, port)
    try:
        yield one
    finally:
        one.end()


def start(recipe: Recipe, kit_: Kit, folder: Path, port: int = 0) -> Running:
    """Start one service and wait until it is ready.

    Raises:
        FleetError: it ended at once, or was not ready in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = port or odd_port()
    values = {**kit_.values, "folder": str(folder), "port": str(port), "other": str(odd_port())}
    _write(recipe, folder, values)
    user = _given(recipe, folder)
    environment = _environment(recipe, kit_, values)
    for command in recipe.prepare:
        _run(_command(command, kit_, values), environment, user, folder)
    line = _started(recipe, _command(recipe.command, kit_, values), folder)

    def again() -> subprocess.Popen[bytes]:
        if recipe.way is Way.UNIT:
            unit_of(recipe).mkdir(parents=True, exist_ok=True)
        with (folder / "output.log").open("ab") as log:
            return subprocess.Popen(
                line,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=folder,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
                start_new_session=True,
            )

    one = Running(recipe, port, folder, again(), again)
    try:
        wait(one)
    except BaseException:
        one.end()
        raise
    return one


def wait(one: Running) -> None:
    """Wait until a service is ready.

    Raises:
        FleetError: it ended at once, or was not ready in time.
    """
    deadline = time.monotonic() + one.recipe.ready_seconds
    while one.recipe.listens and not accepts(one.port):
        if one.process.poll() is not None or time.monotonic() > deadline:
            said = (one.folder / "output.log").read_text(errors="replace")[-1500:]
            raise FleetError(f"{one.recipe.engine} is not ready (ended: {one.process.poll()}):\n{said}")
        time.sleep(0.05)


def odd_port() -> int:
    """Return a free loopback port that means nothing, below those that clients are given."""
    while True:
        port = random.randrange(20_000, 32_000)
        if not accepts(port):
            return port


def _write(recipe: Recipe, folder: Path, values: Mapping[str, str]) -> None:
    for name, text in recipe.files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(Template(text).substitute(values))
        if text.startswith("#!"):
            file.chmod(0o755)


def _given(recipe: Recipe, folder: Path) -> int | None:
    """Return who is to run a service, who then has its folder; None for who runs this."""
    if recipe.is_root or os.geteuid():
        return None
    user = pwd.getpwnam("nobody").pw_uid
    _give(folder, user)
    return user


def _give(folder: Path, user: int) -> None:
    """Let another user have a folder, and pass the temporary ones above it."""
    for above in folder.parents:
        if above.stat().st_uid == os.geteuid() and not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o011)
    os.chown(folder, user, user)
    for path in folder.rglob("*"):
        os.chown(path, user, user)


def _environment(recipe: Recipe, kit_: Kit, values: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    added = {name: Template(value).substitute(values) for name, value in recipe.environment.items()}
    return {**kit_.tree.environment({}), **kept, "LC_ALL": "C", **added}


def _command(text: str, kit_: Kit, values: Mapping[str, str]) -> list[str]:
    words = shlex.split(Template(text).substitute(values))
    return words if "/" in words[0] else [str(kit_.tree.binary(words[0])), *words[1:]]


def _started(recipe: Recipe, command: list[str], folder: Path) -> list[str]:
    """Return the command that starts another one in the recipe's way."""
    if recipe.way is Way.SHELL:
        script = folder / "start.sh"
        script.write_text(f"#!/bin/sh\ncd {folder}\n{shlex.join(command)}\necho ended\n")
        script.chmod(0o755)
        return ["/bin/sh", str(script)]
    if recipe.way is Way.SUPERVISED:
        settings = folder / "supervisord.conf"
        line = shlex.join(command).replace("%", "%%")
        settings.write_text(
            f"[supervisord]\nnodaemon=true\npidfile={folder}/supervisord.pid\nlogfile=/dev/null\n"
            f"logfile_maxbytes=0\nuser=root\n[program:one]\ncommand={line}\nredirect_stderr=true\n"
            f"stdout_logfile={folder}/one.log\n"
        )
        return [str(FLEET / "venv/bin/supervisord"), "-c", str(settings)]
    if recipe.way is Way.UNIT:
        unit = unit_of(recipe)
        return ["/bin/sh", "-c", f'echo $$ > {unit}/cgroup.procs; exec "$@"', "sh", *command]
    if recipe.way is Way.RENAMED:
        other = folder / recipe.other_name
        if not other.exists():
            shutil.copy(command[0], other)
        return [str(other), *command[1:]]
    return command


def units() -> Path | None:
    """Return where units' control groups can be made; None where they cannot."""
    usable = (root for root in HIERARCHIES if (root / "cgroup.controllers").exists() and os.access(root, os.W_OK))
    root = next(usable, None)
    return None if root is None else root / "system.slice"


def unit_of(recipe: Recipe) -> Path:
    """Return the control group that systemd would make for a service.

    Raises:
        FleetError: none can be made.
    """
    folder = units()
    if folder is None:
        raise FleetError(f"{recipe.name}: no control groups of version 2 can be made")
    return folder / f"{DEBIAN_UNITS.get(recipe.name, recipe.name)}.service"


def _run(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    user: int | None = None,
    folder: Path | None = None,
) -> None:
    done = subprocess.run(
        command,
        env=environment,
        cwd=folder,
        user=user,
        group=user,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        raise FleetError(f"{' '.join(command)}:\n{done.stdout.decode(errors='replace')[-1500:]}")
