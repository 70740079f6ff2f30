"""Counts system calls by a program in the kernel; it is attached for short windows, or for good."""

import os
import platform
import struct
from pathlib import Path

from exporter.services.syscalls import Called
from exporter.sources.ebpf import kernel
from exporter.sources.ebpf.btf import TYPES, layout_of
from exporter.sources.ebpf.numbering import MEMBERS
from exporter.sources.ebpf.syscallprogram import REGISTERS, Maps, Numbers, counting
from exporter.sources.errors import SourceError
from exporter.sources.pidnamespace import PidNamespace
from exporter.sources.syscallnames import names

MOST = 16_384  # pairs of process and call in one window
OTHER_ABI = "~unknown"
_KEY_BYTES, _VALUE_BYTES = 8, 16
_ENTRY = struct.Struct("=QQ")


class Counting:
    """The program in the kernel, and its maps.

    Attributes:
        lost: calls that found no place in the map.
    """

    def __init__(
        self,
        namespace: PidNamespace,
        machine: str = platform.machine(),  # it stays the same
        types: Path = TYPES,
    ) -> None:
        """Load the program, without attaching it.

        Args:
            namespace: whose numbers processes are told by; where it is not the first, the others are not counted.
            types: read only where it is not the first.

        Raises:
            SourceError: the kernel, the machine or this process's privileges do not allow it.
        """
        if machine not in REGISTERS:
            raise SourceError(f"the registers of {machine} are not known")
        self._names = names(machine)
        self.lost = 0
        self._attached = -1
        self._open: list[int] = []
        try:
            switch = self._kept(kernel.create_map(kernel.ARRAY, 4, _VALUE_BYTES, 1))
            counts = self._kept(kernel.create_map(kernel.HASH, _KEY_BYTES, _VALUE_BYTES, MOST))
            self._maps = Maps(counts, switch)
            program = counting(REGISTERS[machine], self._maps, _numbers(namespace, types))
            self._program = self._kept(kernel.load_tracepoint(program))
            self.attach()
            self.detach()  # only now it is known that it may be attached
        except SourceError:
            self.close()
            raise

    def attach(self) -> None:
        """Have the program run at every call, switched off as it is.

        Raises:
            SourceError: the kernel refused it.
        """
        self._attached = kernel.attach_tracepoint("sys_exit", self._program)

    def detach(self) -> None:
        """Have it run no longer."""
        if self._attached >= 0:
            os.close(self._attached)
            self._attached = -1

    def switch(self, on: bool) -> None:
        """Count from now on, or no longer.

        Raises:
            SourceError: the kernel refused it.
        """
        self.lost += self._lost()
        kernel.update(self._maps.switch, bytes(4), struct.pack("=QQ", on, 0))

    def take(self) -> list[Called]:
        """Return what was counted since the last time, and forget it.

        Raises:
            SourceError: the kernel refused it.
        """
        keys, values = kernel.take_all(self._maps.counts, _KEY_BYTES, _VALUE_BYTES, MOST)
        pairs = zip(struct.iter_unpack("=Q", keys), _ENTRY.iter_unpack(values), strict=True)
        return [
            Called(key >> 32, self._names.get(key & 0xFFFFFFFF, OTHER_ABI), calls, errors)
            for (key,), (calls, errors) in pairs
        ]

    def close(self) -> None:
        """Give up the program and its maps."""
        self.detach()
        while self._open:
            os.close(self._open.pop())

    def _kept(self, descriptor: int) -> int:
        self._open.append(descriptor)
        return descriptor

    def _lost(self) -> int:
        value = kernel.look_up(self._maps.switch, bytes(4), _VALUE_BYTES)
        return int(struct.unpack("=QQ", value)[1])


def _numbers(namespace: PidNamespace, types: Path) -> Numbers | None:
    if namespace.is_initial:
        return None
    return Numbers(namespace.inode, layout_of(types, MEMBERS).offsets)
