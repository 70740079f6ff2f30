"""What the governor says and is told."""

import math
from dataclasses import dataclass
from enum import Enum


class Aperture(Enum):
    """What is captured."""

    SHUT = "shut"
    READY = "ready"  # nothing, but everything soon
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do until the next step.

    Attributes:
        whole: whether everything is looked at.
        every: the operation of one exchange in so many is told.
        flows: one flow in so many is captured.
        seconds: of processor time that may be spent on reading.
        picks: whether only some of what is captured is read; then `seconds` is for those, below 0 where it is owed.
        until: when the next step is due at the latest.
        opens: when the capture is open next, where it is not.
    """

    aperture: Aperture = Aperture.OPEN
    whole: bool = True
    every: int = 1
    flows: int = 1
    seconds: float = math.inf
    until: float = math.inf
    opens: float = math.inf
    picks: bool = False


@dataclass(frozen=True, slots=True)
class Spent:
    """What was used since the start, in seconds of processor time.

    Attributes:
        capture: by the thread that captures.
        rest: by the rest of the process.
        reading: of the capture's, what grew with the packets that were read.
    """

    capture: float = 0.0
    rest: float = 0.0
    reading: float = 0.0


@dataclass(frozen=True, slots=True)
class Shed:
    """What was not looked at since the start, in seconds of traffic, by the reason; and the share kept of late."""

    operations: float = 0.0
    time: float = 0.0
    flows: float = 0.0
    ratio: float = 1.0
