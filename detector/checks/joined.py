"""What all checks of a series say together."""

import numpy as np

from detector.model import Floats

# Checks agree to some degree when nothing is wrong: from this quadratic sum of their ratios on a series is anomalous.
JOINED_LIMIT = 1.5
# How much each check's ratio counts: what several say together is told sooner, and more surely, than what the loudest
# says alone. Hours that run off slowly are more often harmless, and steps say much of what the residual says. What
# stands still, is at work for too long, does not begin or is silent no other check sees: it needs no agreement.
WEIGHTS = np.array([1.1, 1.0, 1.0, 0.8, 0.7, 0.7, 1.0, JOINED_LIMIT, JOINED_LIMIT, JOINED_LIMIT, JOINED_LIMIT])


def joined(ratios: Floats) -> Floats:
    """Return the score of checks' statistics over their limits.

    Args:
        ratios: on one side; shape (series, checks), never negative.

    Returns:
        shape (series,): above 1 is anomalous.
    """
    return np.asarray(np.sqrt(((WEIGHTS * ratios) ** 2).sum(1)) / JOINED_LIMIT)
