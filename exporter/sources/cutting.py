"""How much of long packets is copied: less with each drop, and more again after a calm."""

from dataclasses import dataclass

CALM_REFRESHES = 12  # without a drop before a step is taken back
MOST_CALM_REFRESHES = 720


@dataclass(slots=True)
class Cutting:
    """The steps of one ring; after each drop the next attempt waits twice as long, so that bulk loads cost few drops.

    Attributes:
        steps: the last one, which copies least; the first is 0.
        step: the one in force.
    """

    steps: int
    step: int = 0
    _calm: int = 0  # refreshes since the last drop or change
    _patience: int = CALM_REFRESHES // 2

    def dropped(self) -> None:
        """Packets were dropped: take the next step."""
        self.step = min(self.step + 1, self.steps)
        self._patience = min(2 * self._patience, MOST_CALM_REFRESHES)
        self._calm = 0

    def refreshed(self) -> None:
        """A while has passed: take a step back if it was calm for long enough."""
        self._calm += 1
        if self.step and self._calm >= self._patience:
            self.step -= 1
            self._calm = 0
        elif self._calm >= MOST_CALM_REFRESHES:
            self._patience = CALM_REFRESHES // 2
