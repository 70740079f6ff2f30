"""A series that was expected to be busy and is at nothing, or gone."""

import numpy as np
import numpy.typing as npt

from detector.checks.bounded import between
from detector.model import Floats

# In nats; more is as certain.
MOST_EVIDENCE = 1e4


def on_this_day(quiet: Floats, expected: Floats) -> Floats:
    """Return how likely nothing is now, from how likely it is at this time of whatever day; shape (series,).

    On a weekend of half as many events, nothing is as likely as on two such days together it would be on another.

    Args:
        quiet: how likely nothing is at this time, over all days; shape (series,).
        expected: what is expected now, and at this time of other days; shape (series, days).
    """
    mean = expected.mean(axis=1)
    share = np.divide(expected[:, 0], mean, out=np.ones_like(mean), where=mean > 0)
    return np.asarray(quiet ** between(share, 0.0, 1.0))


def evidence(before: Floats, nothing: npt.NDArray[np.bool_], quiet: Floats, evaluations: Floats | float) -> Floats:
    """Add up how surprising the silence is, in nats, since it began; zero where there is something.

    Args:
        quiet: how likely nothing is at this time of the day; shape (series,).
        evaluations: how many the newest point stands for, usually 1.
    """
    surprise = -np.log(between(quiet, 1e-12, 1.0)) * evaluations
    return np.where(nothing, np.minimum(before + surprise, MOST_EVIDENCE), 0.0)
