"""What may read a packet's payload where it lies, without an object made of it.

Compiled with the types of `glancing.pxd`.
"""

from exporter.model import Nanoseconds
from exporter.net.frames import Frame


class Glancing:
    """A `net.stream.Stream` that takes what is common and whole in place; all else comes to it as to any stream."""

    __slots__ = ()

    def glance(self, direction: int, frame: Frame) -> bool:
        """Take the next bytes of a direction, all of them in a frame; return False to have them delivered as ever."""
        raise NotImplementedError

    def shorten(self, size_bytes: int) -> None:
        """Take note that of the packet to come next no more than its first bytes were copied, so many."""

    def unheard(self, direction: int, size_bytes: int, at: Nanoseconds) -> None:
        """Account for bytes of a direction that the other one acknowledged, of which no packet at all is captured.

        They are told before the segment that acknowledges them, which came at `at`.
        """
