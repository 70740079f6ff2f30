"""Asks the kernel what some processes use, by an eBPF program that it runs for each number in an array."""

import mmap
import os
from array import array
from collections.abc import Collection
from contextlib import ExitStack

from exporter.sources.ebpf import kernel
from exporter.sources.ebpf.btf import Layout
from exporter.sources.ebpf.taskprogram import (
    ELEMENT_FUNCTION,
    FIND,
    FIND_WITHIN,
    RELEASE,
    program_for_chosen,
)
from exporter.sources.pidnamespace import PidNamespace

MOST_CHOSEN = 1024
_NUMBER_BYTES = 8


class Chosen:
    """The program and its array."""

    def __init__(self, namespace: PidNamespace, found: Layout) -> None:
        """Load the program.

        Args:
            namespace: this process's own, whose numbers processes have.
            found: of what the program needs, with the functions that `functions` tells.

        Raises:
            SourceError: the kernel does not allow it.
        """
        with ExitStack() as opened:

            def keep(descriptor: int) -> int:
                opened.callback(os.close, descriptor)
                return descriptor

            numbers = keep(kernel.create_map(kernel.ARRAY, 4, _NUMBER_BYTES, MOST_CHOSEN, kernel.MAPPABLE))
            self._numbers = mmap.mmap(numbers, MOST_CHOSEN * _NUMBER_BYTES)
            opened.callback(self._numbers.close)
            code = program_for_chosen(found, _find(namespace), 0 if namespace.is_initial else namespace.inode)
            loaded = keep(kernel.load_iterator("larimar_chosen", code, found.functions[ELEMENT_FUNCTION]))
            self._link = keep(kernel.link(loaded, numbers))
            self._opened = opened.pop_all()

    def run(self, pids: Collection[int]) -> bytes:
        """Return the records of those processes that there are.

        Args:
            pids: at most `MOST_CHOSEN`.

        Raises:
            SourceError: the program cannot be run.
        """
        numbers = array("Q", pids)
        numbers.extend([0] * (MOST_CHOSEN - len(numbers)))
        self._numbers[:] = numbers.tobytes()
        return kernel.run(self._link)

    def close(self) -> None:
        """Unload the program."""
        self._opened.close()


def functions(namespace: PidNamespace) -> tuple[str, ...]:
    """Return the kernel's functions that are needed: of Linux 6.2, and where the namespace is not the first of 6.14."""
    return ELEMENT_FUNCTION, _find(namespace), RELEASE


def _find(namespace: PidNamespace) -> str:
    return FIND if namespace.is_initial else FIND_WITHIN
