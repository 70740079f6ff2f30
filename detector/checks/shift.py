"""Smoothed deviations over several spans: small departures that last."""

import numpy as np

from detector.checks.bounded import between
from detector.model import Floats

SPANS_SECONDS = np.array([480.0, 1_800.0, 14_400.0])
# What each sees of one point at most, in deviations: the longer the span, the more it asks for many points, not great
# ones, so that a burst is no shift, and that bursts are usual does not hide one.
CLIPS = np.array([6.0, 3.0, 1.5])
# A smoothed departure counts only while the newest points still carry this share of it: recovery ends it at once.
SUPPORT = 0.5


def smooth(smoothed: Floats, deviations: Floats, elapsed: Floats) -> Floats:
    """Return the smoothed deviations after one more point.

    Args:
        smoothed: shape (series, spans).
        deviations: newest, finite; shape (series,).
        elapsed: seconds since the point before; shape (series,).
    """
    share = -np.expm1(-elapsed[:, None] / SPANS_SECONDS)
    seen = between(deviations[:, None], -CLIPS, CLIPS)
    return np.asarray(smoothed + (seen - smoothed) * share)


def supported(smoothed: Floats, newest: Floats) -> Floats:
    """Return smoothed deviations, zero where the newest median does not carry them; shape (series, spans)."""
    carried = newest[:, None] * np.sign(smoothed) >= SUPPORT * np.abs(smoothed)
    return np.where(carried, smoothed, 0.0)
