"""Bands by PromQL alone: mean and deviation of the last 26 hours, in the manner of Grafana's published rules."""

import numpy as np

from benchmarks.incumbents.incumbent import LEAST, Incumbent, filled, steps_in, trailing_mean
from detector.model import Floats

HOUR = 3_600.0
SPAN_SECONDS = 26 * HOUR
SMOOTH_SECONDS = HOUR
DEVIATIONS = 2.0
# The band is never narrower than this share of its middle.
MARGIN = 0.05


def score(values: Floats, times: Floats) -> Floats:
    """Return each point's distance from the middle over half the band's width.

    Source: github.com/grafana/promql-anomaly-detection, the adaptive rules, from their description.
    """
    held = filled(values)
    span, smooth = steps_in(SPAN_SECONDS, times), steps_in(SMOOTH_SECONDS, times)
    # Against the first value sums stay small, and their squares exact enough.
    base = held[:, :1]
    hourly = trailing_mean(held - base, smooth)
    middle = trailing_mean(hourly, span)
    variance = trailing_mean(hourly**2, span) - middle**2
    width = np.maximum(DEVIATIONS * np.sqrt(np.maximum(variance, 0.0)), MARGIN * np.abs(middle + base)) + LEAST
    return np.where(np.isfinite(values), np.abs(held - base - middle) / width, 0.0)


PROMQL_BANDS = Incumbent("promql-bands", "bands by PromQL, like Grafana's (re-implementation)", score)
