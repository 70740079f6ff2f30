"""The kernel's filter of packets before they are copied: the eBPF one where that is permitted, else the classic."""

import logging
import os
import socket
import sys
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from exporter.net.lengths import Bodies
from exporter.sources import classicfilter
from exporter.sources.classicfilter import Kept, Snap, payload_filter
from exporter.sources.ebpf import kernel
from exporter.sources.ebpf.kernel import ARRAY, LRU_HASH, BpfError
from exporter.sources.ebpf.packetprogram import KEY_BYTES, VALUE_BYTES, Measure, translate
from exporter.sources.ebpf.ringprogram import Sink

log = logging.getLogger(__name__)

AUTO, EBPF, CLASSIC = "auto", "ebpf", "classic"
CHOICES = (AUTO, EBPF, CLASSIC)
BEST, ASKED_FOR = "best", "asked for"  # reasons, beside those of `ebpf.kernel`
SO_ATTACH_BPF = 50
MAX_FLOWS = 16_384  # that hold bodies and were seen lately: 12 and 8 bytes each, and what the kernel adds
FIRST_BYTES = 8192  # a message's head may be longer than what is copied of one packet
HEADER_BYTES = 192  # Ethernet with tags, IPv6 and TCP with all of its options


@dataclass(frozen=True, slots=True)
class FilterStatus:
    """The filter in use, `ebpf` or `classic`, and why: `best`, `asked for`, or what speaks against the other."""

    name: str = ""
    reason: str = ""


class PacketFilter(Protocol):
    """The filter of one ring."""

    def attach(self, sock: socket.socket, kept: Kept) -> None:
        """Have the socket keep this from now on.

        Raises:
            OSError: the socket refused it.
        """
        ...

    def refill(self, room_bytes: int) -> None:
        """Allow so many bytes to be copied of long packets until it is called again."""
        ...

    def close(self) -> None:
        """Give up what is held; the socket goes on with its filter."""
        ...


class ClassicFilter:
    """Judges each packet by itself."""

    def attach(self, sock: socket.socket, kept: Kept) -> None:
        """Set the socket's program."""
        classicfilter.attach(sock, payload_filter(kept.snap, kept.link_header, kept.datagrams, kept.sample))

    def refill(self, room_bytes: int) -> None:
        """Do nothing: it knows of no room."""

    def close(self) -> None:
        """Hold nothing."""


class EbpfFilter:
    """Knows how much room there is, and of bodies what went before.

    Args:
        filters: told where the kernel refuses a program, which the classic one then stands in for.
        flows: the map of flows, which stays its owner's.
        sink: where the program writes what it keeps; None for a ring of the socket's.

    Raises:
        BpfError: the kernel gives no map.
    """

    def __init__(self, filters: "Filters", flows: int, sink: Sink | None = None) -> None:
        self._filters = filters
        self._flows = flows
        self._sink = sink
        self._room = kernel.create_map(ARRAY, 4, 4, 1)
        self._classic = ClassicFilter()
        self._loaded: Kept | None = None
        self._program = -1

    def attach(self, sock: socket.socket, kept: Kept) -> None:
        """Set the socket's program; while flows are chosen it is the classic one, as each choice is another program.

        Nothing stands in for one that writes.

        Raises:
            BpfError: there is no program yet that writes into the sink, and the kernel refuses this one.
        """
        if self._sink is not None:
            sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_BPF, self.renew(kept))
            return
        if kept.sample.flows > 1 or self._filters.refused:
            self._classic.attach(sock, kept)
            return
        try:
            self.load(kept)
        except BpfError as error:
            self._filters.refuse(error)
            self._classic.attach(sock, kept)
            return
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_BPF, self._program)

    def renew(self, kept: Kept) -> int:
        """Return the descriptor of the program, or of the one before where the kernel refuses it.

        Raises:
            BpfError: there was none before.
        """
        try:
            return self.load(kept)
        except BpfError as error:
            if self._loaded is None:
                raise
            self._filters.stay(error)
            return self._program

    def load(self, kept: Kept) -> int:
        """Return the descriptor of the program, which stays this filter's.

        Raises:
            BpfError: the kernel refused it.
        """
        if kept != self._loaded:
            program = payload_filter(kept.snap, kept.link_header, kept.datagrams, kept.sample, judged=True)
            measure = Measure(
                kept.snap, FIRST_BYTES, HEADER_BYTES, kept.link_header, self._flows, self._room, self._sink
            )
            load = kernel.load_classifier if self._sink is not None and self._sink.passes_on else kernel.load_filter
            descriptor = load(translate(program, measure, chooses_flows=kept.sample.flows > 1))
            self._unload()
            self._program, self._loaded = descriptor, kept
        return self._program

    def refill(self, room_bytes: int) -> None:
        """Set what the kernel counts down from."""
        kernel.update(self._room, bytes(4), room_bytes.to_bytes(4, sys.byteorder))

    def close(self) -> None:
        """Give up the program and the number."""
        self._unload()
        os.close(self._room)

    def _unload(self) -> None:
        if self._program >= 0:
            os.close(self._program)
        self._program, self._loaded = -1, None


class Filters:
    """Makes the filters of all rings of one kind.

    Args:
        choice: one of `CHOICES`.

    Raises:
        BpfError: eBPF was asked for, and is refused.
    """

    def __init__(self, choice: str = AUTO) -> None:
        self.refused = ""
        self._unsaid = ""
        self._said = self._stayed = False
        self._asked = choice != AUTO
        self._flows = -1
        if choice == CLASSIC:
            return
        try:
            self._try()
        except BpfError as error:
            self.close()
            if choice == EBPF:
                raise
            self.refuse(error)

    def make(self) -> PacketFilter:
        """Return the filter of a new ring."""
        if not self.is_ebpf:
            return ClassicFilter()
        try:
            return EbpfFilter(self, self._flows)
        except BpfError as error:
            self.refuse(error)
            return ClassicFilter()

    def make_writing(self, sink: Sink) -> EbpfFilter:
        """Return the filter of a new ring into which it writes itself.

        Raises:
            BpfError: eBPF is not in use, or the kernel gives no map.
        """
        if not self.is_ebpf:
            raise BpfError("no eBPF filter", self.refused or kernel.NOT_SUPPORTED)
        return EbpfFilter(self, self._flows, sink)

    def refuse(self, error: BpfError) -> None:
        """Do with the classic filter from now on."""
        self.refused = error.reason
        self._unsaid = self._unsaid or str(error)

    def stay(self, error: BpfError) -> None:
        """Go on with the program there is; logged once."""
        if not self._stayed:
            self._stayed = True
            log.warning("eBPF filter not renewed, copying as before", extra={"reason": str(error)})

    def say(self) -> None:
        """Log what was refused, once."""
        if self._unsaid and not self._said:
            self._said = True
            log.warning("no eBPF filter, using the classic one", extra={"reason": self._unsaid})

    @property
    def is_ebpf(self) -> bool:
        """Whether eBPF is in use."""
        return self._flows >= 0 and not self.refused

    def status(self) -> FilterStatus:
        """Return which filter is used, and why."""
        return FilterStatus(EBPF if self.is_ebpf else CLASSIC, self.refused or (ASKED_FOR if self._asked else BEST))

    def close(self) -> None:
        """Give up the map of flows."""
        if self._flows >= 0:
            os.close(self._flows)
        self._flows = -1

    def _try(self) -> None:
        """See whether the kernel takes the maps and a program that uses all that any does."""
        self._flows = kernel.create_map(LRU_HASH, KEY_BYTES, VALUE_BYTES, MAX_FLOWS)
        with closing(EbpfFilter(self, self._flows)) as probe:
            probe.load(Kept(Snap(classicfilter.WHOLE, 96, frozenset({Bodies(80, 1)})), 14))
