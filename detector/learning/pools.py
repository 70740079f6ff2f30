"""Where fits run: in processes of this machine, or on a Dask cluster."""

import importlib.util
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Protocol

from detector.model import Seconds

NICENESS = 10
CONNECT_SECONDS: Seconds = 10.0


class PoolError(ValueError):
    """The pool cannot be created; says what is missing."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An executor.

    Attributes:
        most: how many tasks to give it before one has ended: those at work, and some at hand, all of them in memory.
    """

    executor: Executor
    most: int


class Pool(Protocol):
    """Where fits may run."""

    def open(self) -> AbstractContextManager[Opened]:
        """A context with an executor. Raises OSError: it cannot be reached."""
        ...


@dataclass(frozen=True, slots=True)
class Processes:
    """Processes of this machine, which give way to evaluations."""

    workers: int

    @contextmanager
    def open(self) -> Iterator[Opened]:
        """Start them; they end with the context."""
        # Threads of the parent may hold locks: a forked child could wait for them for ever.
        with ProcessPoolExecutor(self.workers, get_context("spawn"), initializer=_give_way) as executor:
            try:
                yield Opened(executor, self.workers + 1)
            except BaseException:
                executor.shutdown(cancel_futures=True)  # nobody waits for the rest
                raise


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Dask cluster, whose workers have this version of Larimar."""

    address: str

    def __post_init__(self) -> None:
        """Fail at the start, not hours later, where the optional package is missing."""
        if importlib.util.find_spec("distributed") is None:
            raise PoolError("a Dask scheduler needs the optional packages: pip install 'larimar[dask]'")

    @contextmanager
    def open(self) -> Iterator[Opened]:
        """Connect to its scheduler; everything asked for is given back with the context."""
        import distributed  # noqa: PLC0415  # optional and heavy

        client: Any = distributed.Client(  # type: ignore[no-untyped-call]  # as its authors left it
            self.address, timeout=CONNECT_SECONDS, set_as_default=False
        )
        with client:
            workers = sum(client.ncores().values())
            if not workers:
                raise OSError(f"the Dask scheduler {self.address} has no workers")
            # A fit is as good the second time; a worker that dies takes none of it along.
            with client.get_executor(pure=False, retries=2) as executor:
                yield Opened(executor, 2 * workers)  # what is far away is asked for early


def processes(workers: int) -> Pool | None:
    """Return a pool of so many processes; None for this one alone."""
    return Processes(workers) if workers > 1 else None


def _give_way() -> None:
    """Lower the priority of this process, as evaluations come first."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
