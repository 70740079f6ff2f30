"""How long a series has repeated one value: a frozen source."""

import numpy as np

from detector.model import Floats


def unchanged_seconds(before: Floats, value: Floats, last: Floats, elapsed: Floats) -> Floats:
    """Return for how many seconds the same value other than zero was seen; all of shape (series,)."""
    return np.where((value == last) & (value != 0), before + elapsed, 0.0)
