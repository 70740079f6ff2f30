"""Tells which PID namespace gave the numbers of a /proc; the kernel's own are those of the first one."""

from dataclasses import dataclass
from pathlib import Path

from exporter.sources.errors import SourceError

_INITIAL = 0xEFFFFFFC  # PROC_PID_INIT_INO, include/linux/proc_ns.h


@dataclass(frozen=True, slots=True)
class PidNamespace:
    """A PID namespace.

    Attributes:
        inode: which one it is.
        is_own: whether this process is in it itself, not only in one within it.
    """

    inode: int
    is_own: bool

    @property
    def is_initial(self) -> bool:
        """Return whether it is the host's, which numbers processes as the kernel does."""
        return self.inode == _INITIAL


def shown_by(proc: Path) -> PidNamespace:
    """Return the namespace that a /proc shows.

    Raises:
        SourceError: it cannot be told, as it is another one than this process's and its processes may not be seen.
    """
    try:
        if _numbers_of_self(proc) == 1:
            return PidNamespace((proc / "self/ns/pid").stat().st_ino, is_own=True)
        return PidNamespace((proc / "1/ns/pid").stat().st_ino, is_own=False)
    except OSError as error:
        raise SourceError(f"the PID namespace of {proc} cannot be told: {error.strerror}") from None


def _numbers_of_self(proc: Path) -> int:
    """Return how many numbers this process has from the namespace of a /proc inwards; 0 where it is not seen there."""
    try:
        lines = (proc / "self/status").read_bytes().splitlines()
    except OSError:
        return 0
    return next((len(line.split()) - 1 for line in lines if line.startswith(b"NSpid:")), 0)
