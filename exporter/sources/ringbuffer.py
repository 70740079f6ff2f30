"""The memory of a BPF ring buffer, as the process sees it that reads it.

Source: Linux, kernel/bpf/ringbuf.c, ringbuf_map_mmap_user; a page of the reader's, a page of the writers', the data.
"""

import mmap
import os
import select
from contextlib import ExitStack

from exporter.sources.ebpf import kernel
from exporter.sources.errors import SourceError

PAGE = mmap.PAGESIZE


class RingBuffer:
    """Written by a program in the kernel, read here.

    Args:
        size_bytes: a power of two, at least a page.

    Attributes:
        descriptor: of the map, for the program.
        memory: the data begins after its first page.
        view: the same, to be looked at.

    Raises:
        SourceError: the kernel gives none.
    """

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        with ExitStack() as opened:
            self.descriptor = kernel.create_map(kernel.RING_BUFFER, 0, 0, size_bytes)
            opened.callback(os.close, self.descriptor)
            try:
                own = mmap.mmap(self.descriptor, PAGE, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
                opened.callback(own.close)
                self.memory = mmap.mmap(
                    self.descriptor, PAGE + size_bytes, mmap.MAP_SHARED, mmap.PROT_READ, offset=PAGE
                )
                opened.callback(self.memory.close)
                self._waker = opened.enter_context(select.epoll())
                # The kernel calls everything that waits readable; what is of use is that it woke its reader.
                self._waker.register(self.descriptor, select.EPOLLIN | select.EPOLLET)
            except OSError as error:
                raise SourceError(f"no memory of a BPF ring: {error.strerror}") from error
            self.view = opened.enter_context(memoryview(self.memory))
            self._produced = opened.enter_context(opened.enter_context(self.view[:PAGE]).cast("Q"))
            self._consumed = opened.enter_context(opened.enter_context(memoryview(own)).cast("Q"))
            self._opened = opened.pop_all()

    @property
    def produced(self) -> int:
        """How many bytes were written since the opening."""
        return self._produced[0]

    @property
    def consumed(self) -> int:
        """How many bytes were given back since the opening."""
        return self._consumed[0]

    @property
    def waiting(self) -> int:
        """How many bytes wait to be read."""
        return self._produced[0] - self._consumed[0]

    def consume(self, until: int) -> None:
        """Give back what was written up to so many bytes since the opening."""
        self._consumed[0] = until

    def fileno(self) -> int:
        """Return the descriptor that can be read from once the program woke its reader, until `rest`."""
        return self._waker.fileno()

    def rest(self) -> None:
        """Wait to be woken again."""
        self._waker.poll(0)

    def close(self) -> None:
        """Give the memory back."""
        self._opened.close()
