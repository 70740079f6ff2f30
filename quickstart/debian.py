"""Debian's programs without installing them: packages, and what the machine lacks for them, unpacked into a folder.

Nothing outside the folder is written and no maintainer script runs, so it works alike as root and as a normal user.
apt gets state and cache of its own: the machine's lists may be missing, stale or locked.
"""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from quickstart.relocation import relocate

_TIMEOUT_SECONDS = 300
_SHOWN_LINES = 8
# In this order; PostgreSQL's own come before the wrappers of the same names in usr/bin, which need Perl modules.
_BINARY_FOLDERS = (
    *("usr/lib/postgresql/*/bin", "usr/lib/jvm/*/bin", "usr/lib/netdata/plugins.d"),
    *("usr/bin", "usr/sbin", "bin", "sbin"),
)
_MACHINE_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/lib/postgresql/*/bin")
_ALIASES = {"alertmanager": ("alertmanager", "prometheus-alertmanager")}  # as upstream and as Debian call it
_PACKAGES = {
    "alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
    "apache2": "apache2-bin",
    "apps.plugin": "netdata-core",
    "clickhouse-client": "clickhouse-client",
    "clickhouse-server": "clickhouse-server",
    "dnsmasq": "dnsmasq-base",
    "erl": "erlang-base",
    "etcd": "etcd-server",
    "etcdctl": "etcd-client",
    "haproxy": "haproxy",
    "initdb": "postgresql",
    "java": "default-jre-headless",
    "mariadbd": "mariadb-server-core",
    "memcached": "memcached",
    "mosquitto": "mosquitto",
    "nats-server": "nats-server",
    "nginx": "nginx",
    "node": "nodejs",
    "openssl": "openssl",
    "pg_ctl": "postgresql",
    "pgbench": "postgresql",
    "php-fpm8.2": "php8.2-fpm",
    "postgres": "postgresql",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-node-exporter": "prometheus-node-exporter",
    "prometheus-process-exporter": "prometheus-process-exporter",
    "psql": "postgresql",
    "rabbitmq-server": "rabbitmq-server",
    "redis-benchmark": "redis-tools",
    "redis-cli": "redis-tools",
    "redis-server": "redis-server",
    "slapd": "slapd",
    "smtp-sink": "postfix",
    "smtp-source": "postfix",
    "tcpdump": "tcpdump",
    "tshark": "tshark",
    "victoria-metrics": "victoria-metrics",
}
# The machine's loader goes with the machine's C library; another one beside it would crash every program.
_NEVER_UNPACKED = ("libc6_",)
# Hooks are the machine's own business: cleaning its caches, refreshing its desktop.
_APT_HOOKS = ("APT::Update::Pre-Invoke", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success",
              "DPkg::Pre-Invoke", "DPkg::Post-Invoke", "DPkg::Pre-Install-Pkgs")  # fmt: skip


class PackageError(Exception):
    """Programs cannot be obtained; says what to put on PATH, with the last lines of apt's output where it failed."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Where programs are found: on PATH, else among the unpacked packages, else where Debian installs daemons.

    Attributes:
        root: the folder that stands for `/`; may be missing where nothing was unpacked.
        libraries: its folders of shared libraries.
        path: the machine's PATH.
    """

    root: Path
    libraries: tuple[Path, ...] = ()
    path: str = os.defpath

    def binary(self, name: str) -> Path:
        """Return where a program is.

        Raises:
            PackageError: nowhere.
        """
        found = self.find(name)
        if found is None:
            raise PackageError(f"{name} is neither on PATH nor under {self.root}")
        return found

    def find(self, name: str) -> Path | None:
        """Return where a program is, or None."""
        names = _ALIASES.get(name, (name,))
        on_path = (shutil.which(each, path=self.path) for each in names)
        for place in filter(None, on_path):
            return Path(place)
        inside = (f for folder in _BINARY_FOLDERS for f in sorted(self.root.glob(folder), reverse=True))
        outside = (f for folder in _MACHINE_FOLDERS for f in sorted(Path("/").glob(folder[1:]), reverse=True))
        for folder in (*inside, *outside):
            for each in names:
                if os.access(folder / each, os.X_OK) and (folder / each).is_file():
                    return folder / each
        return None

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return `environ` with what the unpacked programs need to find their libraries."""
        libraries = [*map(str, self.libraries), *filter(None, [environ.get("LD_LIBRARY_PATH", "")])]
        return {**environ, "LD_LIBRARY_PATH": os.pathsep.join(libraries)} if libraries else dict(environ)


def obtain(programs: Sequence[str], folder: Path, environ: Mapping[str, str]) -> Tree:
    """Return a tree that has all of `programs`; what the machine lacks is unpacked into `folder` first.

    Raises:
        PackageError: some cannot be obtained.
    """
    tree = opened(folder, environ)
    lacking = [name for name in programs if tree.find(name) is None]
    if not lacking:
        return tree
    unknown = [name for name in lacking if name not in _PACKAGES]
    if unknown or shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        why = "this is not Debian or Ubuntu" if not unknown else "no package is known for it"
        raise PackageError(f"put on PATH: {', '.join(unknown or lacking)} ({why})")
    tree = unpack(sorted({_PACKAGES[name] for name in lacking}), folder, environ)
    for name in programs:
        tree.binary(name)
    return tree


def opened(folder: Path, environ: Mapping[str, str]) -> Tree:
    """Return the tree as it is, without fetching anything."""
    root = folder / "root"
    return Tree(root, _libraries(root), environ.get("PATH", os.defpath))


def unpack(packages: Sequence[str], folder: Path, environ: Mapping[str, str]) -> Tree:
    """Unpack packages and what they need and the machine lacks; what is there already is not fetched again.

    Safe to call from several processes at once: the others wait.

    Raises:
        PackageError: apt or dpkg failed, or are not there.
    """
    folder = folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / "lock"):
            record = folder / "unpacked.json"
            done: list[str] = json.loads(record.read_text()) if record.exists() else []
            lacking = [package for package in packages if package not in done]
            if lacking:
                _fetch(lacking, folder)
                for archive in sorted((folder / "apt/archives").glob("*.deb")):
                    _unpack_one(archive, folder / "root")
                relocate(folder / "root")
                _replace(record, json.dumps(sorted({*done, *lacking})))
                shutil.rmtree(folder / "apt")
    except OSError as error:
        raise PackageError(f"{folder}: {error.strerror or error}") from error
    return opened(folder, environ)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _replace(path: Path, content: str) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(content)
    beside.replace(path)


def _fetch(packages: Sequence[str], folder: Path) -> None:
    """Download packages and what the machine lacks of their dependencies, verified by apt as ever."""
    apt = folder / "apt"
    for part in ("lists/partial", "archives/partial"):
        (apt / part).mkdir(parents=True, exist_ok=True)
    options = {
        "Dir::State": apt,
        "Dir::State::Lists": apt / "lists",
        "Dir::State::status": "/var/lib/dpkg/status",
        "Dir::Cache": apt,
        "Dir::Cache::Archives": apt / "archives",
        "Dir::Log": apt,
        "Debug::NoLocking": "true",  # the lock here is our own
        "APT::Sandbox::User": "root",  # apt's own user may not be let into the folder
        "APT::Install-Recommends": "false",
        "APT::Get::Assume-Yes": "true",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
        "Acquire::http::Timeout": "20",
        "Acquire::https::Timeout": "20",
    }
    config = apt / "apt.conf"
    lines = [f"#clear {hook};" for hook in _APT_HOOKS] + [f'{name} "{value}";' for name, value in options.items()]
    config.write_text("\n".join(lines) + "\n")
    command = ["apt-get", "--quiet=2", f"--config-file={config}"]
    updated = _run([*command, "update"], packages, check=False)
    _run([*command, "install", "--download-only", *packages], packages, before=updated)


def _unpack_one(archive: Path, root: Path) -> None:
    if archive.name.startswith(_NEVER_UNPACKED):
        return
    root.mkdir(exist_ok=True)
    _run(["dpkg-deb", "--extract", str(archive), str(root)], [archive.name])


def _run(command: Sequence[str], wanted: Sequence[str], *, check: bool = True, before: str = "") -> str:
    """Run a command and return what it said; `before` is what an earlier one said, shown along on failure."""
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PackageError(f"put {', '.join(wanted)} on PATH: {command[0]}: {error}") from error
    if check and done.returncode:
        said = "\n  ".join((before + done.stdout).strip().splitlines()[-_SHOWN_LINES:])
        raise PackageError(f"{command[0]} could not provide {', '.join(wanted)}; put them on PATH, or see:\n  {said}")
    return done.stdout


def _libraries(root: Path) -> tuple[Path, ...]:
    """Return the folders under `root` that hold shared libraries for any program."""
    patterns = ("lib", "usr/lib", "lib/*-linux-gnu*", "usr/lib/*-linux-gnu*", "usr/local/lib")
    found = dict.fromkeys(folder for pattern in patterns for folder in sorted(root.glob(pattern)) if folder.is_dir())
    return tuple(folder for folder in found if any(folder.glob("*.so*")))
