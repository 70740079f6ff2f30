"""`larimar doctor`: what this host, its kernel and this process's privileges allow, what is lost, and what grants it.

Exit status: 0 where everything is there; 1 where something is missing, and the exporter would do without; 2 where a
setting cannot be used. Being root or not decides most of it: run it as the exporter is to run.
"""

import json
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from exporter.config import existing_folder
from exporter.privileges import LOSSES, grant
from exporter.sources import probes
from exporter.sources.hosts import HAS_PROCFS
from exporter.sources.probes import Finding, Probe, Verdict
from toolkit import values
from toolkit.settings import load_or_exit, option, repeated

PROGRAM = "larimar doctor"
ALL, SOME_MISSING = 0, 1
MARKS = {Verdict.AVAILABLE: "yes", Verdict.FORBIDDEN: "NO", Verdict.ABSENT: "no"}
# What each is granted by; what has none is the host's or the kernel's own doing.
GRANTS = {
    "capture": "CAP_NET_RAW",
    "capture_filters": "CAP_BPF",
    "bpf_tasks": "CAP_BPF and CAP_PERFMON",
    "syscalls": "CAP_BPF and CAP_PERFMON",
    "closed_sockets": "CAP_NET_ADMIN",
    "proc_io": "CAP_SYS_PTRACE",
    "proc_files": "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH",
    "proc_executables": "CAP_SYS_PTRACE",
    "processes": "CAP_SYS_PTRACE",
    "perf": "CAP_PERFMON",
    "net_namespaces": "CAP_SYS_ADMIN",
}
OTHER_LOSSES = {
    "capture_filters": "only CPU time: large bodies are captured whole, or all long packets are cut short",
    "perf": "nothing by itself; what forbids it probably forbids eBPF programs as well",
    "prometheus": "alerts: all that the detector knows is from Prometheus",
    "alertmanager": "notifications",
}


@dataclass(frozen=True, slots=True)
class DoctorConfig:
    """Checks what this host lets the exporter see, what each missing permission costs, and how to grant it."""

    as_json: bool = option("json", False, "Print one JSON object instead of text.")
    procfs: Path = option("path.procfs", Path("/proc"), "Where procfs is mounted.", parse=existing_folder)
    prometheus_url: str = option("prometheus.url", "", "Prometheus that should be reachable.")
    alertmanagers: tuple[str, ...] = repeated(
        "alertmanager.url", (), "Alertmanager that should be reachable.", parse=values.url
    )


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and what is lost without it."""

    name: str
    finding: Finding
    loss: str

    @property
    def is_there(self) -> bool:
        """Whether it is available."""
        return self.finding.verdict is Verdict.AVAILABLE

    @property
    def grant(self) -> str:
        """The capabilities that grant it; empty where none would, or none is needed."""
        return GRANTS.get(self.name, "") if self.finding.verdict is Verdict.FORBIDDEN else ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    config = load_or_exit(DoctorConfig, sys.argv[1:] if argv is None else argv, os.environ, PROGRAM)
    checks = [
        Check(name, probe(), {**LOSSES, **OTHER_LOSSES}[name.partition(" ")[0]]) for name, probe in probed(config)
    ]
    write = as_json if config.as_json else as_text
    sys.stdout.write(write(checks))
    return ALL if all(check.is_there for check in checks) else SOME_MISSING


def probed(config: DoctorConfig, has_procfs: bool = HAS_PROCFS) -> Iterator[tuple[str, Probe]]:
    """Yield what is looked at, by name; of a system without Linux' procfs, that it is without."""
    yield "capture", probes.capture
    yield "procfs", partial(probes.procfs, has_procfs)
    if has_procfs:
        yield from of_linux(config)
    if config.prometheus_url:
        yield f"prometheus {shown(config.prometheus_url)}", partial(probes.reachable, config.prometheus_url)
    for url in config.alertmanagers:
        yield f"alertmanager {shown(url)}", partial(probes.reachable, url)


def of_linux(config: DoctorConfig) -> Iterator[tuple[str, Probe]]:
    """Yield what only Linux has."""
    yield "capture_filters", probes.filters
    yield "sock_diag", probes.sock_diag
    yield "closed_sockets", probes.closed_sockets
    yield "unix_sockets", probes.unix_sockets
    yield "udp_drops", probes.udp_drops
    yield "net_namespaces", probes.net_namespaces
    yield "processes", partial(probes.processes, config.procfs)
    yield "proc_io", partial(probes.files_of_others, config.procfs, "io")
    yield "proc_files", partial(probes.files_of_others, config.procfs, "fd")
    yield "proc_executables", partial(probes.files_of_others, config.procfs, "exe")
    yield "bpf_tasks", partial(probes.tasks, config.procfs)
    yield "syscalls", partial(probes.syscalls, config.procfs)
    yield "perf", probes.perf
    yield "cgroup_v2", partial(probes.control_groups, config.procfs)
    yield "cgroup_controllers", partial(probes.controllers, config.procfs)


def shown(url: str) -> str:
    """Return the host and port of a URL, without the credentials that may stand before them."""
    return urlsplit(url).netloc.rpartition("@")[2]


def as_text(checks: Sequence[Check]) -> str:
    """Return the checks for people to read."""
    lines = [f"Larimar on {host()}:", ""]
    for check in checks:
        reason = f": {check.finding.reason}" if check.finding.reason else ""
        lines.append(f"  {MARKS[check.finding.verdict]:4}{check.name}{reason}")
        if not check.is_there:
            lines.append(f"      lost: {check.loss}" + (f" (needs {check.grant})" if check.grant else ""))
    if any(check.grant for check in checks):
        lines += ["", "What is forbidden (NO) is granted by starting the exporter so:", f"  {granting(checks)}"]
    return "\n".join([*lines, ""])


def as_json(checks: Sequence[Check]) -> str:
    """Return the checks as one JSON object."""
    listed = [
        {
            "name": check.name,
            "verdict": check.finding.verdict.value,
            "reason": check.finding.reason,
            "lost": "" if check.is_there else check.loss,
            "needs": check.grant,
        }
        for check in checks
    ]
    command = granting(checks) if any(check.grant for check in checks) else ""
    return json.dumps({"host": host(), "checks": listed, "grant": command}) + "\n"


def granting(checks: Sequence[Check]) -> str:
    """Return the one command that starts the exporter with all that can be granted."""
    return grant(os.getuid(), os.getgid(), [check.name for check in checks if check.grant])


def host() -> str:
    """Return the kernel, the machine and who asks."""
    return f"{platform.system()} {platform.release()}, {platform.machine()}, as user {os.geteuid()}"


if __name__ == "__main__":
    sys.exit(main())
