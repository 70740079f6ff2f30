"""What looking does to what is looked at, told by counts that the kernel keeps whether anybody looks or not.

A server that is busy all the time answers fewer requests while its packets are captured, and more while they are not:
what is seen is then no fair sample. The interfaces' own packet counts show by how much.
"""

import math

HORIZON_SECONDS = 60.0
LEAST_TURNS = 8
MOST = 1.5  # or its inverse: what differs by more is no effect of looking


class Calibration:
    """Compares the packets of times in which the capture was open with those of all times."""

    def __init__(self) -> None:
        self._at = math.nan
        self._packets = 0
        self._seconds = [0.0, 0.0]  # of this turn: shut, open
        self._counts = [0.0, 0.0]
        self._turns = 0.0
        self._expected = self._excess = self._squares = 0.0

    def see(self, now: float, packets: int, was_open: bool) -> None:
        """Take the packets that passed since the last call; a time of being open ends a turn.

        Args:
            now: seconds, never falling.
            packets: that passed all interfaces since their start.
            was_open: whether the capture was open since the last call.
        """
        seconds, passed = now - self._at, packets - self._packets
        self._at, self._packets = now, packets
        if math.isnan(seconds) or passed < 0:  # the first time, or an interface has gone
            self._seconds, self._counts = [0.0, 0.0], [0.0, 0.0]
            return
        self._seconds[was_open] += seconds
        self._counts[was_open] += passed
        if was_open and self._seconds[True] > 0.0:
            self._end_turn()

    def factor(self) -> float:
        """Return for how much more what is seen stands: 1 unless the difference is beyond chance."""
        return min(MOST, max(1 / MOST, 1 + self._difference() * self._belief()))

    def doubt_ratio(self) -> float:
        """Return how much of the difference is left out by the factor, as it may be chance."""
        return abs(self._difference()) * (1 - self._belief())

    def _end_turn(self) -> None:
        shut, opened = self._seconds
        expected = self._counts[True] * (shut + opened) / opened
        excess = sum(self._counts) - expected
        fading = math.exp(-(shut + opened) / HORIZON_SECONDS)
        self._turns = self._turns * fading + 1
        self._expected = self._expected * fading + expected
        self._excess = self._excess * fading + excess
        self._squares = self._squares * fading + excess**2
        self._seconds, self._counts = [0.0, 0.0], [0.0, 0.0]

    def _difference(self) -> float:
        """Return what passed beyond what was expected by what was seen, as a part of that."""
        return self._excess / self._expected if self._expected > 0.0 else 0.0

    def _belief(self) -> float:
        """Return how sure it is that the difference is no chance, from 0 to 1: James and Stein's shrinkage."""
        if self._turns < LEAST_TURNS or self._excess == 0.0:
            return 0.0
        variance = max(0.0, self._squares - self._excess**2 / self._turns)
        return max(0.0, 1 - variance / self._excess**2)
