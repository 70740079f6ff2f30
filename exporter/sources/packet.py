"""One packet of a capture file."""

from dataclasses import dataclass

from exporter.model import Nanoseconds


@dataclass(frozen=True, slots=True)
class CapturedPacket:
    """One packet as the file has it.

    Attributes:
        data: the captured bytes, from the link layer on.
        link: its LINKTYPE_ number.
        wire_length: how many bytes there were when it was sent.
        at: when it was captured.
    """

    data: bytes
    link: int
    wire_length: int
    at: Nanoseconds
