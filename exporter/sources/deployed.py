"""Reads what services are made of: executables, scripts, unit files, configuration files; by their size and time."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from exporter.identity import interpreters
from exporter.identity.cgroups import place
from exporter.identity.facts import OTHER, ProcessFacts
from exporter.identity.known import of_process
from exporter.services.deployment import Change, Deployment, Part, Start
from exporter.services.outlines import Dependency
from exporter.services.starts import Starts
from exporter.services.view import HostView

MAX_INSTANCES = 32  # of one service that are looked at
_MAX_CONFIGS = 8  # of one process
_LOOKED_AT = 64  # arguments
_CONFIG = re.compile(r"\.(conf|cfg|cnf|ini|ya?ml|json|toml|properties|xml|cf|rc|hcl|vcl)$|(^|/)Caddyfile$")
_UNIT_FOLDERS = ("etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")
_DEFAULT_CONFIGS: dict[str, tuple[str, ...]] = {
    "nginx": ("etc/nginx/nginx.conf",),
    "apache": ("etc/apache2/apache2.conf", "etc/httpd/conf/httpd.conf"),
    "redis": ("etc/redis/redis.conf",),
    "postgres": (),
    "mysql": ("etc/mysql/my.cnf", "etc/my.cnf"),
    "mariadb": ("etc/mysql/mariadb.cnf", "etc/my.cnf"),
    "haproxy": ("etc/haproxy/haproxy.cfg",),
    "memcached": ("etc/memcached.conf",),
    "mosquitto": ("etc/mosquitto/mosquitto.conf",),
    "rabbitmq": ("etc/rabbitmq/rabbitmq.conf",),
    "sshd": ("etc/ssh/sshd_config",),
    "postfix": ("etc/postfix/main.cf",),
    "bind": ("etc/bind/named.conf",),
    "dnsmasq": ("etc/dnsmasq.conf",),
    "squid": ("etc/squid/squid.conf",),
}
_MASTER_TITLE = "nginx: master process "


@dataclass(frozen=True, slots=True)
class _Known:
    """What one process is made of for as long as its facts stay the same object, and the files that are followed."""

    facts: ProcessFacts
    fixed: frozenset[Part]
    configs: tuple[str, ...]


class Deployed:
    """Reads deployments; what may not be read is left out.

    Args:
        proc: the host's /proc; None where it has none, and files are where processes say.
    """

    def __init__(self, proc: Path | None) -> None:
        self._proc = proc
        self._known: dict[int, _Known] = {}
        self._starts = Starts()
        self._made_of: dict[Start, frozenset[Part]] = {}

    def read(
        self,
        view: HostView,
        ports: Iterable[Mapping[str, frozenset[int]]],
        dependencies: Iterable[Dependency],
    ) -> dict[str, Deployment]:
        """Return the deployment of every service that has a process.

        Args:
            ports: the lasting ports of each service, of each transport.
            dependencies: who was ever seen to ask whom.
        """
        self._known = {pid: known for pid, known in self._known.items() if pid in view.processes}
        self._starts.update(view.processes)
        instances: defaultdict[str, dict[Start, frozenset[Part]]] = defaultdict(dict)
        for pid, process in view.processes.items():
            mine = instances[process.service]
            if process.starts and process.service != OTHER and len(mine) < MAX_INSTANCES:
                start = self._starts.of(pid)
                if start not in mine or start.pid == pid:
                    mine[start] = self._instance(start, process.facts)
        self._made_of = {start: parts for mine in instances.values() for start, parts in mine.items()}
        around: defaultdict[str, set[Part]] = defaultdict(set)
        for index, bound in enumerate(ports):
            for name, numbers in bound.items():
                around[name].update(Part(Change.PORT, f"{index}:{number}") for number in numbers)
        for one in dependencies:
            around[one.client].add(Part(Change.DEPENDENCY, one.server))
        return {name: Deployment(found, frozenset(around[name])) for name, found in instances.items() if found}

    def _instance(self, start: Start, facts: ProcessFacts) -> frozenset[Part]:
        """Return what an instance is made of; of one whose first process has ended, what it was made of."""
        if start.pid != facts.pid and start in self._made_of:
            return self._made_of[start]
        return self._parts(facts)

    def _parts(self, facts: ProcessFacts) -> frozenset[Part]:
        known = self._known.get(facts.pid)
        if known is None or known.facts is not facts:
            known = self._known[facts.pid] = _Known(facts, frozenset(self._fixed(facts)), tuple(self._configs(facts)))
        stamps = ((path, _stamp(path)) for path in known.configs)
        configs = (Part(Change.CONFIG, f"{self._shown(facts, path)} {stamp}") for path, stamp in stamps if stamp)
        return known.fixed | frozenset(configs)

    def _fixed(self, facts: ProcessFacts) -> Iterator[Part]:
        """Yield what stays the same while a process runs."""
        executable, script = self._executable(facts), self._script(facts)
        for path, shown in ((executable, facts.executable), (script, self._shown(facts, script))):
            stamp = _stamp(path)
            if stamp:
                yield Part(Change.EXECUTABLE, f"{shown} {stamp}")
        line = _command_line(facts)
        if line:
            yield Part(Change.COMMAND_LINE, line)
        if facts.container.image:
            yield Part(Change.IMAGE, facts.container.image)
        unit = " ".join(self._unit(place(facts.cgroup).unit))
        if unit:
            yield Part(Change.UNIT, unit)

    def _script(self, facts: ProcessFacts) -> str:
        """Return where the script or archive is that an interpreter runs, empty where that is not said."""
        if interpreters.of_process(facts) is None:
            return ""
        files = (self._within(facts, argument) for argument in facts.arguments[1:_LOOKED_AT] if argument[:1] != "-")
        return next((path for path in files if not _CONFIG.search(path) and _stamp(path)), "")

    def _configs(self, facts: ProcessFacts) -> Iterator[str]:
        """Yield where the configuration files are that a command line names, else the usual ones of its program."""
        words = _words(facts)[1:_LOOKED_AT]
        named = [word.rpartition("=")[2] for word in words if _CONFIG.search(word)]
        paths = [path for path in (self._within(facts, word) for word in named[:_MAX_CONFIGS]) if _stamp(path)]
        application = of_process(facts)
        usual = _DEFAULT_CONFIGS.get(application.name, ()) if application and not paths else ()
        yield from paths
        yield from (path for path in (self._within(facts, f"/{each}") for each in usual) if _stamp(path))

    def _executable(self, facts: ProcessFacts) -> str:
        """Return where the file is that runs, which may have been replaced; empty where that is not known."""
        return facts.executable if self._proc is None else f"{self._proc}/{facts.pid}/exe"

    def _within(self, facts: ProcessFacts, path: str) -> str:
        """Return the path of a process's file as seen from here."""
        absolute = PurePosixPath(facts.working_directory or "/", path)
        return str(absolute) if self._proc is None else f"{self._proc}/{facts.pid}/root{absolute}"

    def _shown(self, facts: ProcessFacts, path: str) -> str:
        """Return a path without what differs between processes that have the same files."""
        return path.removeprefix(f"{self._proc}/{facts.pid}/")

    def _unit(self, unit: str) -> Iterator[str]:
        """Yield the stamps of a unit's file and of what overrides it."""
        if not unit or self._proc is None:
            return
        template = re.sub(r"@[^.]+\.", "@.", unit)
        for folder in _UNIT_FOLDERS:
            for name in dict.fromkeys((unit, template)):
                base = f"{self._proc}/1/root/{folder}/{name}"
                yield from filter(None, (_stamp(base), *(_stamp(path) for path in _overrides(f"{base}.d"))))


def _command_line(facts: ProcessFacts) -> str:
    """Return what tells a command line from another; empty of a title that says nothing of it.

    It is a hash by this process's own key: a command line may hold a password.
    """
    words = _words(facts)
    return f"{hash(words):x}" if words else ""


def _words(facts: ProcessFacts) -> tuple[str, ...]:
    """Return a command line, also where a title repeats it; empty of any other title."""
    arguments = facts.arguments
    if len(arguments) != 1 or " " not in arguments[0]:
        return arguments
    _, found, line = arguments[0].partition(_MASTER_TITLE)
    return tuple(line.split()) if found else ()


def _overrides(folder: str) -> list[str]:
    try:
        return [f"{folder}/{name}" for name in sorted(os.listdir(folder))[:16] if name.endswith(".conf")]
    except OSError:
        return []


def _stamp(path: str) -> str:
    """Return a file's size and time of change; empty where it is none, or may not be seen."""
    if not path:
        return ""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return ""
    return f"{found.st_size}:{found.st_mtime_ns}" if found.st_mode & 0o170000 == 0o100000 else ""
