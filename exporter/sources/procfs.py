"""Reads what a process is from /proc; whatever is missing or forbidden is left empty."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from sys import intern  # thousands of workers have the same

from exporter.identity.cgroups import place
from exporter.identity.environment import VARIABLES
from exporter.identity.facts import NO_CONTAINER, ContainerFacts, ProcessFacts
from exporter.sources import procparse
from exporter.sources.packages import package_name
from exporter.sources.pidlist import PidList
from exporter.sources.runtimes import RunTimes, no_times

_MAX_TEXT_BYTES = 128 << 10  # a Java command line may take tens of kilobytes
_MAX_KEPT_CHARACTERS = 16 << 10

ContainerLookup = Callable[[str, str], ContainerFacts]
"""What a container's runtime says of it, by container identifier and pod UID."""


def no_containers(_container_id: str, _pod_uid: str) -> ContainerFacts:
    """Know of no container."""
    return NO_CONTAINER


class Procfs:
    """Facts about processes, read from one /proc.

    Attributes:
        forbidden: how often each kind of file could not be read for lack of permission.
    """

    def __init__(self, proc: Path, containers: ContainerLookup = no_containers, times: RunTimes = no_times) -> None:
        self._proc = str(proc)
        self._containers = containers
        self._pids = PidList(proc, times)
        self.forbidden: Counter[str] = Counter()

    def pids(self) -> set[int]:
        """Return the processes that are visible now, kernel threads too; the same object where none came or went.

        Raises:
            OSError: /proc itself cannot be read.
        """
        return self._pids.read()

    def shows_others(self) -> bool:
        """Return whether the first process is listed: with hidepid nobody sees but their own."""
        return Path(self._proc, "1", "stat").exists()

    def boot_time(self) -> float:
        """Return when the system started, seconds since the epoch; 0 where not known."""
        try:
            return procparse.boot_time(self.read("stat"))
        except (OSError, ValueError):
            return 0.0

    def stat(self, pid: int) -> procparse.Stat | None:
        """Return a process's stat; None where it has ended or may not be seen."""
        try:
            return procparse.stat(self.read(f"{pid}/stat"))
        except (OSError, ValueError):
            return None

    def facts(self, pid: int, stat: procparse.Stat) -> ProcessFacts:
        """Return what the process is; fields that cannot be read are empty."""
        arguments = tuple(map(intern, procparse.arguments(self._optional(pid, "cmdline"))))
        executable = intern(self._link(pid, "exe").removesuffix(" (deleted)"))
        cgroup = intern(procparse.cgroup(self._optional(pid, "cgroup")))
        where = place(cgroup)
        directory = intern(self._link(pid, "cwd").removesuffix(" (deleted)"))
        return ProcessFacts(
            pid=pid,
            start_ticks=stat.start_ticks,
            parent_pid=stat.parent_pid,
            comm=stat.comm,
            executable=executable,
            arguments=_bounded(arguments),
            cgroup=cgroup,
            environment=procparse.environment(self._optional(pid, "environ"), VARIABLES),
            working_directory=directory,
            package=package_name(Path(self._proc, str(pid), "root"), executable, arguments, directory),
            container=self._containers(where.container_id, where.pod_uid) if where.container_id else NO_CONTAINER,
            open_files_limit=procparse.open_files_limit(self._optional(pid, "limits")),
        )

    def read(self, path: str) -> bytes:
        """Return a file below /proc, at most 128 KiB of it.

        Raises:
            OSError: it cannot be read.
        """
        descriptor = os.open(f"{self._proc}/{path}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            text = os.read(descriptor, 4096)
            if len(text) < 4096:  # most files; procfs returns all that fits at once
                return text
            parts = [text]
            while text and sum(map(len, parts)) < _MAX_TEXT_BYTES:
                text = os.read(descriptor, _MAX_TEXT_BYTES)
                parts.append(text)
            return b"".join(parts)
        finally:
            os.close(descriptor)

    def _optional(self, pid: int, name: str) -> bytes:
        try:
            return self.read(f"{pid}/{name}")
        except PermissionError:
            self.forbidden[name] += 1
        except OSError:  # it has ended; the next listing tells
            pass
        return b""

    def _link(self, pid: int, name: str) -> str:
        try:
            return os.readlink(f"{self._proc}/{pid}/{name}")
        except PermissionError:
            self.forbidden[name] += 1
        except OSError:  # ended, or a kernel thread
            pass
        return ""


def _bounded(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Drop the arguments beyond what names ever need; the first and last ones say most."""
    if sum(map(len, arguments)) <= _MAX_KEPT_CHARACTERS:
        return arguments
    short = tuple(argument[:512] for argument in arguments)
    return short if len(short) <= 64 else short[:32] + short[-32:]
