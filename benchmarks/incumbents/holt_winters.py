"""Holt-Winters with a daily season and Brutlag's confidence bands."""

import numpy as np

from benchmarks.incumbents.incumbent import LEAST, Incumbent, steps_in
from detector.model import Floats

DAY = 86_400.0
SLOT_SECONDS = 600.0
# Brutlag's usual choice: the level forgets in hours, the season in days.
LEVEL_SHARE, TREND_SHARE, SEASON_SHARE = 0.05, 0.0005, 0.3
BAND = 3.0


def score(values: Floats, times: Floats) -> Floats:
    """Return each point's distance from the forecast over the band's half width.

    Source: Brutlag, Aberrant Behavior Detection in Time Series for Network Monitoring, 2000.
    """
    slots = steps_in(DAY, times) // max(1, steps_in(SLOT_SECONDS, times))
    series = len(values)
    first = np.isfinite(values).argmax(axis=1)
    level = np.nan_to_num(values[np.arange(series), first])
    trend, season, deviation = np.zeros(series), np.zeros((series, max(slots, 1))), np.zeros((series, max(slots, 1)))
    result = np.zeros(values.shape)
    # A slot's season is taken in one share per day, spread over the slot's points.
    per_slot = max(1, steps_in(DAY, times) // max(slots, 1))
    share = 1 - (1 - SEASON_SHARE) ** (1 / per_slot)
    for column in range(values.shape[1]):
        slot = int(times[column] % DAY / DAY * slots) % max(slots, 1)
        known = np.isfinite(values[:, column])
        error = np.where(known, values[:, column] - level - trend - season[:, slot], 0.0)
        if column >= steps_in(DAY, times):
            result[:, column] = np.abs(error) / (BAND * deviation[:, slot] + LEAST)
        level += trend + LEVEL_SHARE * error
        trend += TREND_SHARE * LEVEL_SHARE * error
        season[:, slot] += share * error
        deviation[:, slot] += share * np.where(known, np.abs(error) - deviation[:, slot], 0.0)
    return result


HOLT_WINTERS = Incumbent("holt-winters", "Holt-Winters with Brutlag's bands (re-implementation)", score)
