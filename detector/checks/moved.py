"""How far a series has lately moved to stay: releases leave many a few per cent off, for ever, and that is no fault."""

import numpy as np

from detector.checks.bounded import between
from detector.model import Floats

# It is followed within hours, long before the level as a whole, so that a few small steps in as many days do not add up
# to an alert, and to several of the same.
HALF_LIFE_SECONDS = 4 * 3600.0
# What is seen of one point at most, in deviations.
CLIP = 3.0
# Where the departure is this many times as far, something else has happened: then nothing is followed.
MOST_REACHES = 3.0


def move(moved: Floats, departure: Floats, spread: Floats, reach: Floats, elapsed: Floats) -> Floats:
    """Return how far each series has moved after one more point, as a share of its reach; all of shape (series,).

    Args:
        moved: after the point before, likewise: so it is as true once a series is stabilised in another way.
        departure: of the newest points from the level and what they moved beyond it, stabilised.
        spread: the usual deviation, stabilised.
        reach: how far a series may move without any fault, stabilised.
        elapsed: seconds since the point before.
    """
    before = moved * reach
    whole = departure + before
    target = np.where(np.abs(whole) <= MOST_REACHES * reach, between(whole, -reach, reach), 0.0)
    share = -np.expm1(-elapsed * np.log(2.0) / HALF_LIFE_SECONDS)
    after = before + share * between(target - before, -CLIP * spread, CLIP * spread)
    return np.where(reach > 0, after / np.where(reach > 0, reach, 1.0), 0.0)
