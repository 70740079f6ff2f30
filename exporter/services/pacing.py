"""How long to rest between two looks at the host, so that those stay within their part of the processor budget."""

PART = 0.35  # of the budget
SAVED_SECONDS = 3.0  # for so long what was not spent may be saved up: a start looks at much, and so does a change
MOST_PAUSE_SECONDS = 10.0  # to get back to that part
# A single look that costs so much that even this pause would not keep it within the budget is followed by a longer one.
MOST_PART = 0.8
LONGEST_PAUSE_SECONDS = 60.0


class Pace:
    """Lets looks follow each other at their usual distance while they are cheap, and later where they are not.

    Args:
        budget: share of one processor, of which `PART` is for looks.
        every_seconds: the usual distance.
        now: seconds, never falling.
    """

    def __init__(self, budget: float, every_seconds: float, now: float) -> None:
        self._rate, self._most_rate = PART * budget, MOST_PART * budget
        self._every_seconds = every_seconds
        self._saved = self._most = SAVED_SECONDS * budget
        self._now = now

    def pause(self, now: float, lasted: float, spent: float) -> float:
        """Return for how many seconds to rest after a look that lasted and spent so much, both in seconds."""
        self._saved = min(self._most, self._saved + (now - self._now) * self._rate) - spent
        self._now = now
        repaid = -self._saved / self._rate
        usual = max(lasted, self._every_seconds - lasted)  # after a look that took long, as long a rest
        borne = min(spent / self._most_rate, LONGEST_PAUSE_SECONDS)
        return max(usual, min(repaid, MOST_PAUSE_SECONDS), borne)
