"""A program at the entrance of an interface, through which all that it receives passes: the cheapest tap there is.

A packet socket costs each packet more than the program itself does. Everything that is received is seen, nothing that
is sent; on loopback that is each packet once.

Source: Linux, net/core/dev.c, sch_handle_ingress; include/net/tcx.h.
"""

import logging
import os
from contextlib import ExitStack
from dataclasses import replace

from exporter.sources.classicfilter import ALL, Kept, Sample, Snap
from exporter.sources.ebpf import assembler, kernel
from exporter.sources.ebpf.kernel import BpfError
from exporter.sources.ebpf.ringprogram import PASSED_ON
from exporter.sources.filters import EbpfFilter
from exporter.sources.interfaces import Interface

log = logging.getLogger(__name__)

NOTHING = assembler.assemble(assembler.leave_with_word(PASSED_ON))


class IngressTap:
    """Everything passes on, whatever is kept of it.

    Args:
        kept: of the packets, at first.
        packet_filter: the tap's own, which writes what it keeps and passes everything on; closed with it.
        paused: whether to capture nothing before `resume`.

    Raises:
        BpfError: not permitted, not supported, or others have programs there.
    """

    def __init__(self, interface: Interface, kept: Kept, packet_filter: EbpfFilter, paused: bool) -> None:
        self.filter = packet_filter
        self._kept = kept
        self._open = not paused
        with ExitStack() as opened:
            opened.callback(packet_filter.close)
            self._nothing = kernel.load_classifier(NOTHING)
            opened.callback(os.close, self._nothing)
            first = packet_filter.load(kept)  # in any case: what the kernel refuses, it refuses here
            self._link = kernel.attach_ingress(self._nothing if paused else first, interface.index)
            opened.callback(os.close, self._link)
            self._opened = opened.pop_all()

    def cut(self, snap: Snap, sample: Sample = ALL) -> None:
        """Copy so much of each packet, and these flows, from now on, or once captured again."""
        self._kept = replace(self._kept, snap=snap, sample=sample)
        if self._open:
            self._run(self.filter.renew(self._kept))

    def pause(self) -> None:
        """Capture nothing from this moment on until `resume`."""
        self._open = False
        self._run(self._nothing)

    def leave(self) -> None:
        """Stay: a program that keeps nothing costs little, and the way back may lead into another namespace."""

    def prepare(self) -> None:
        """Be there."""

    def resume(self) -> None:
        """Capture again from this moment on."""
        self._open = True
        self._run(self.filter.renew(self._kept))

    def _run(self, program_descriptor: int) -> None:
        """Have a program run; where the interface has gone, as a namespace's does with it, there is nothing to do."""
        try:
            kernel.replace(self._link, program_descriptor)
        except BpfError as error:
            log.debug("no program at the interface any more", extra={"reason": str(error)})

    def close(self) -> None:
        """Stop capturing."""
        self._opened.close()
