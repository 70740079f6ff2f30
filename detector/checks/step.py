"""How far a series is from where it was within the last hour: sudden changes of what otherwise wanders slowly."""

import numpy as np

from detector.checks.bounded import between
from detector.model import Floats

HALF_LIFE_SECONDS = 3_600.0
# What the last hour's level sees of a departure at most: it follows a step slowly, so that the step stays visible.
FOLLOW_CLIP = 2.0
SPAN_SECONDS = 480.0


def follow(near: Floats, distance: Floats, agility: Floats, elapsed: Floats) -> Floats:
    """Return the last hour's level after one more point; all of shape (series,).

    Args:
        near: the level before, in deviations from the usual.
        distance: of the newest point from it, over `agility`; zero where there is no sample.
        agility: how far the series usually is from its last hour's level, in deviations.
        elapsed: seconds since the point before.
    """
    share = -np.expm1(-elapsed * np.log(2.0) / HALF_LIFE_SECONDS)
    return np.asarray(near + share * agility * between(distance, -FOLLOW_CLIP, FOLLOW_CLIP))


def smooth(stepped: Floats, distance: Floats, elapsed: Floats) -> Floats:
    """Return the smoothed distance after one more, clipped, finite point; all of shape (series,)."""
    return np.asarray(stepped + (distance - stepped) * -np.expm1(-elapsed / SPAN_SECONDS))
