"""What may be spent while only some of the packets that were captured are read."""

from dataclasses import dataclass

SAVED_SECONDS = 0.3  # what was not spent is spent within so long, or not at all
LEAST_SAVED_SECONDS = 0.01  # of processor time: some blocks of packets
NEWEST = 0.1  # of what is averaged, is the latest


@dataclass(slots=True)
class Picking:
    """A time in which some of what is captured is read.

    Attributes:
        calm_since: since when everything could have been read again, in seconds.
        allowance: seconds of processor time that may be spent now.
        part: of the packets that was read of late.
        spared: seconds of processor time by which reading everything would have taken longer, of late.
        beside: seconds of processor time that each time takes but for reading.
    """

    calm_since: float
    allowance: float
    part: float = 1.0
    spared: float = 0.0
    beside: float = 0.0

    def account(self, seconds: float, income: float, beside: float) -> float:
        """Let time pass, of which each second allows `income` of processor time; `beside` reading so much was spent.

        Returns how much more reading everything would have taken than what was spent.
        """
        saved = max(self.allowance, income * SAVED_SECONDS, LEAST_SAVED_SECONDS)
        self.beside += NEWEST * (beside - self.beside)
        self.allowance = min(saved, self.allowance + income * seconds)
        spared, self.spared = self.spared, 0.0
        return spared

    def take(self, part: float, spent: float, everything: float) -> None:
        """Note what was read, and what reading everything would have taken."""
        self.part = part if everything else 1.0
        self.allowance -= spent
        self.spared += everything - spent
