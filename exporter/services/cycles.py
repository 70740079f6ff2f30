"""Where in time to look: each cycle has a window of which every moment is as likely a part as any other."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cycle:
    """A time of which a part is looked at, in seconds.

    Attributes:
        number: counted from 1; 0 for a time that is looked at as a whole.
        looked: for how long is looked.
    """

    number: int = 0
    start: float = 0.0
    seconds: float = 0.0
    looked: float = 0.0

    @property
    def end(self) -> float:
        """When the next cycle begins."""
        return self.start + self.seconds


WHOLE = Cycle()


@dataclass(frozen=True, slots=True)
class Span:
    """A time that is looked at, in seconds of a clock that never falls; the end is no part of it.

    Attributes:
        weight: the inverse of the chance that a moment of the cycle lies in one of its spans, and its flow is kept.
        flows: one flow in so many is looked at.
    """

    start: float
    end: float
    weight: float = 1.0
    flows: int = 1
    cycle: Cycle = WHOLE

    @property
    def length(self) -> float:
        """Seconds."""
        return self.end - self.start


def place(cycle: Cycle, weight: float, flows: int, chance: float) -> tuple[Span, ...]:
    """Return the spans of a cycle, in order: one, or two where it is cut by the cycle's end and goes on at its start.

    Thereby every moment of the cycle is looked at with the same chance, `cycle.looked / cycle.seconds`.

    Args:
        chance: a random number from 0 to below 1.
    """
    begins = cycle.start + chance * cycle.seconds
    ends = begins + cycle.looked
    if ends <= cycle.end:
        return (Span(begins, ends, weight, flows, cycle),)
    beyond = cycle.start + ends - cycle.end
    return (Span(cycle.start, beyond, weight, flows, cycle), Span(begins, cycle.end, weight, flows, cycle))


def overlap(spans: Iterable[Span], start: float, end: float) -> float:
    """Return how many seconds from `start` to `end` lie in spans that do not overlap each other."""
    return sum(max(0.0, min(span.end, end) - max(span.start, start)) for span in spans)
