"""Segments with numbers that no window reaches: one alone is forged or stray, several in a row are the flow itself."""

from collections import OrderedDict
from dataclasses import dataclass

from exporter.net.held import SEQUENCES, Segment

CONFIRMATIONS = 2  # segments in a row, each beginning where the last one ended
MAX_SUSPECTS = 1024


@dataclass(slots=True)
class Suspect:
    """Where the next segment begins if this is the flow, and how many have followed each other so far."""

    following: int
    seen: int


class Astray:
    """The latest implausible segment of each direction of a flow; `doubted` counts those that were not followed."""

    def __init__(self) -> None:
        self.doubted = 0
        self._suspects: OrderedDict[tuple[int, int], Suspect] = OrderedDict()

    def confirmed(self, slot: int, direction: int, segment: Segment) -> bool:
        """Return whether a segment far from what is expected continues others like it, so that it must be followed."""
        key = (slot, direction)
        suspect = self._suspects.pop(key, None)
        seen = suspect.seen if suspect is not None and suspect.following == segment.sequence else 0
        if seen == CONFIRMATIONS:
            return True
        self.doubted += 1
        following = (segment.sequence + segment.wire + segment.finishes) % SEQUENCES
        advances = segment.wire > 1  # a keep-alive probe repeats itself without an end
        self._suspects[key] = Suspect(following, seen + advances)
        if len(self._suspects) > MAX_SUSPECTS:
            self._suspects.popitem(last=False)
        return False
