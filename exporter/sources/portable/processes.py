"""What processes are, as psutil tells."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import TypeVar

import psutil

from exporter.identity.environment import VARIABLES
from exporter.identity.facts import NO_ENVIRONMENT, ProcessFacts
from exporter.sources.packages import package_name
from exporter.sources.portable.lives import Lives

T = TypeVar("T")

ABOVE_KERNEL = (0, 2)  # the parents of what the kernel itself runs; 2 is Linux's
SHORT_NAME = 15  # bytes of Linux' short names
NO_LIMIT = 1 << 40
NO_ARGUMENTS: list[str] = []


@dataclass(frozen=True, slots=True)
class Standing:
    """Which process has a number, and whether it is one; as `census.Standing`."""

    start_ticks: int
    is_kernel: bool
    is_zombie: bool
    parent_pid: int
    comm: str


class PortableProcesses:
    """Implements `census.Processes`.

    Attributes:
        forbidden: how often each kind of fact could not be read for lack of permission.
    """

    def __init__(self, lives: Lives) -> None:
        self._lives = lives
        self._pids: set[int] = set()
        self.forbidden: Counter[str] = Counter()

    def pids(self) -> set[int]:
        """Return the processes that are visible now; the same object where none came or went."""
        pids = set(psutil.pids())
        if pids != self._pids:
            self._pids = pids
            self._lives.keep(pids)
        return self._pids

    def stat(self, pid: int) -> Standing | None:
        """Return which process has a number; None where it has ended or may not be seen."""
        try:
            life = self._lives.of(pid)
            process = life.process
            with process.oneshot():
                parent = process.ppid()
                arguments = self._told("arguments", process.cmdline, ["unknown"])
                return Standing(
                    start_ticks=life.start_ticks,
                    is_kernel=not arguments and (pid in ABOVE_KERNEL or parent in ABOVE_KERNEL) and pid != 1,
                    is_zombie=self._told("status", process.status, "") == psutil.STATUS_ZOMBIE,
                    parent_pid=parent,
                    comm=short_name(process),
                )
        except psutil.Error:
            return None

    def facts(self, pid: int, stat: Standing) -> ProcessFacts:
        """Return what the process is; what cannot be read is empty."""
        try:
            process = psutil.Process(pid)  # the one that is kept remembers what it ran before
        except psutil.Error:  # it has just ended
            return ProcessFacts(pid, stat.start_ticks, stat.parent_pid, stat.comm)
        with process.oneshot():
            executable = path(self._told("executable", process.exe, ""))
            arguments = without_blanks(self._told("arguments", process.cmdline, NO_ARGUMENTS))
            directory = path(self._told("directory", process.cwd, "") or "")
            environment = self._told("environment", process.environ, dict(NO_ENVIRONMENT))
            return ProcessFacts(
                pid=pid,
                start_ticks=stat.start_ticks,
                parent_pid=stat.parent_pid,
                comm=stat.comm,
                executable=executable,
                arguments=arguments,
                environment={name: environment[name] for name in VARIABLES if name in environment} or NO_ENVIRONMENT,
                working_directory=directory,
                package=package_name(Path("/"), executable, arguments, directory),
                open_files_limit=self._told("limit", lambda: limit(process), 0),
            )

    def _told(self, name: str, ask: Callable[[], T], unknown: T) -> T:
        """Return what psutil tells; what is unknown where it may not, or the process has ended."""
        try:
            return ask()
        except psutil.AccessDenied:
            self.forbidden[name] += 1
        except (psutil.Error, OSError):  # it has ended, or is a zombie; the next listing tells
            pass
        return unknown


def without_blanks(arguments: Sequence[str]) -> tuple[str, ...]:
    """Return a command line without what a title that a process sets leaves blank behind it."""
    kept = list(arguments)
    while kept and not kept[-1].strip():
        kept.pop()
    return (*kept[:-1], kept[-1].rstrip()) if kept else ()


def short_name(process: psutil.Process) -> str:
    """Return what the system calls a process, cut as Linux does.

    Raises:
        psutil.Error: it has ended.
    """
    return program(process.name()).encode("utf-8", "surrogateescape")[:SHORT_NAME].decode("utf-8", "surrogateescape")


def path(text: str, is_windows: bool = os.name == "nt") -> str:
    """Return a path as the naming reads it: with slashes, and without Windows' suffix of programs."""
    return program(PureWindowsPath(text).as_posix() if is_windows and text else text, is_windows)


def program(text: str, is_windows: bool = os.name == "nt") -> str:
    """Return a program's name or path without Windows' suffix."""
    return text[:-4] if is_windows and text.lower().endswith(".exe") else text


def limit(process: psutil.Process) -> int:
    """Return how many files a process may open, 0 where that is not limited or not told.

    Raises:
        psutil.Error: it has ended, or may not be asked.
    """
    if sys.platform != "linux":
        return 0
    soft, _ = process.rlimit(psutil.RLIMIT_NOFILE)
    return soft if 0 < soft < NO_LIMIT else 0
