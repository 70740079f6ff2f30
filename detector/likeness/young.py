"""Takes young series for ones like those of their signal and class, the less the more is known of themselves."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from detector.baselines.arrays import Baselines, ModelState
from detector.baselines.stabilise import inverse
from detector.checks import CHECKS, FLATLINE, RESIDUAL, SHIFT_MINUTES
from detector.checks.limits import LEAST_LIMITS
from detector.checks.sides import SIDED
from detector.likeness.priors import ANY, Likeness, Priors
from detector.likeness.traits import LEAST_DEVIATION, LIMITS, Trait, units
from detector.model import Floats, Signal

# What a group says of a series' deviation is worth so many of its own independent samples.
LEAST_WORTH, MOST_WORTH = 2.0, 60.0
# Of how often a series is at nothing a group knows as much as so many samples.
QUIET_WORTH = 20.0
LEAST_QUIET = 0.002
# Whole numbers repeat the longer the smaller they are, and how large a new one's will be nobody knows.
MORE_STILL = 4.0
COLUMNS = (RESIDUAL, SHIFT_MINUTES, SIDED + RESIDUAL, SIDED + SHIFT_MINUTES)  # of LIMITS


def assumed(
    baselines: Baselines, classes: Mapping[str, str], priors: Priors, signals: Mapping[str, Signal]
) -> Baselines:
    """Return the baselines with what is to be assumed of series that are still learning.

    Source: Smyth, Linear models and empirical Bayes methods for assessing differential expression, 2004: a variance
    is shrunk towards that of others by how far those differ among themselves.

    Args:
        classes: of services.
        signals: by name; those of the keys.
    """
    rows = np.flatnonzero(baselines.models == ModelState.LEARNING)
    if not len(rows) or not baselines.limits.shape[1]:
        return baselines
    keys = [baselines.keys[row] for row in rows]
    groups = [(key.signal, classes.get(key.service_name, ANY)) for key in keys]
    of = {group: priors.of(*group, signals[group[0]].kind) for group in set(groups)}
    usual, differ = (np.array([getattr(of[group], name) for group in groups]) for name in Likeness.__slots__)
    spread, quiet, limits = baselines.spread.copy(), baselines.quiet.copy(), baselines.limits.copy()
    own, samples = baselines.traits[rows].astype(np.float64), baselines.samples[rows].astype(np.float64)
    spread[rows] = (_deviations(usual, differ, own, samples) * _units(baselines, rows))[:, None]
    quiet[rows] = _quiet(usual, own, samples)[:, None]
    found = np.exp(usual + differ)[:, list(LIMITS)]
    limits[rows[:, None], COLUMNS] = np.maximum(found, LEAST_LIMITS[list(COLUMNS)])
    still = MORE_STILL * np.exp((usual + differ)[:, Trait.STILL])
    limits[rows, FLATLINE - len(CHECKS)] = np.where(np.isnan(still), np.inf, still)
    return replace(baselines, spread=spread, quiet=quiet, limits=limits)


def _units(baselines: Baselines, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Floats:
    scales = baselines.scales.rows(rows)
    level = baselines.centre[rows]
    return units(inverse(level, scales), scales, baselines.shares[rows])


def _deviations(usual: Floats, differ: Floats, own: Floats, samples: Floats) -> Floats:
    """Return the deviation of each series, as a share of its usual value; shape (series,)."""
    # Cautiously: of six new series five are not as restless.
    before = np.exp(2 * (usual + differ)[:, Trait.DEVIATION])
    worth = np.clip(0.5 / np.maximum(differ[:, Trait.DEVIATION], 1e-3) ** 2 + 1, LEAST_WORTH, MOST_WORTH)
    lasting = usual[:, Trait.LASTING]
    known = np.isfinite(own[:, Trait.DEVIATION])
    heard = np.where(known, samples * (1 - lasting) / (1 + lasting), 0.0)
    variance = np.where(known, np.exp(2 * np.nan_to_num(own[:, Trait.DEVIATION])), 0.0)
    joined = (worth * before + heard * variance) / (worth + heard)
    return np.asarray(np.maximum(np.sqrt(joined), LEAST_DEVIATION))


def _quiet(usual: Floats, own: Floats, samples: Floats) -> Floats:
    share = np.nan_to_num(own[:, Trait.QUIET])
    heard = np.where(np.isfinite(own[:, Trait.QUIET]), samples, 0.0)
    joined = (QUIET_WORTH * usual[:, Trait.QUIET] + heard * share) / (QUIET_WORTH + heard)
    return np.asarray(np.clip(joined, LEAST_QUIET, 1.0))
