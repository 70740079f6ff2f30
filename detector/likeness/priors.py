"""Gathers what series of one signal and one class of service are like, from most general to most particular.

A group of series says as much as their number allows; the rest is said by the group around it: of the same signal in
services of all classes, of what is shipped for the class and for all classes, and at last of the same kind of data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from detector.baselines.arrays import Baselines, ModelState
from detector.baselines.prior import DEVIATION
from detector.baselines.robust import deviation, median
from detector.checks import CHECKS, FLATLINE, RESIDUAL, SHIFT_MINUTES
from detector.checks.limits import FIRST_LIMITS
from detector.likeness.traits import LIMITS, Trait
from detector.model import Floats, Kind
from toolkit.yamlfile import FileError, read_yaml

SHIPPED = Path(__file__).with_name("shipped.yml")
ANY = ""  # class of services of which none is told, and of all together
# A group's word counts half with so many series in it.
HALF_HEARD = 4.0
# What is shipped was not measured here, however many series it is from.
MOST_SHIPPED = 4.0
# How far series of one kind of data differ; of the logarithms of deviations, most.
KIND_SPREAD = 0.7
UNLIMITED = 50.0
Group = tuple[str, str]  # signal, class


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a group is like: of each trait what is usual, NaN if unknown, and how far series differ in it.

    Each of shape (len(Trait),).
    """

    usual: Floats
    differ: Floats


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a group, and of how many series."""

    likeness: Likeness
    series: float


@dataclass(frozen=True, slots=True)
class Priors:
    """Groups by signal and class, measured in the fleet; those of all classes together have the class ANY."""

    groups: Mapping[Group, Measured] = field(default_factory=dict)

    def of(self, signal: str, service_class: str, kind: Kind) -> Likeness:
        """Return what series of a signal and a class are like."""
        found = of_kind(kind)
        every = (shipped(), signal, ANY), (shipped(), signal, service_class), (self.groups, signal, ANY)
        for groups, name, each in (*every, (self.groups, signal, service_class)):
            if (measured := groups.get((name, each))) is not None:
                found = _joined(measured, found)
        return found


def of_kind(kind: Kind) -> Likeness:
    """Return what is assumed of series of one kind of data."""
    usual = np.zeros(len(Trait))
    usual[Trait.DEVIATION] = np.log(DEVIATION[kind]) - KIND_SPREAD
    usual[list(LIMITS)] = np.log([FIRST_LIMITS[RESIDUAL], FIRST_LIMITS[SHIFT_MINUTES]] * 2)
    usual[Trait.LASTING], usual[Trait.QUIET] = 0.5, 0.1
    usual[Trait.STILL] = np.nan
    differ = np.zeros(len(Trait))
    differ[Trait.DEVIATION] = KIND_SPREAD
    return Likeness(usual, differ)


def gathered(baselines: Baselines, classes: Mapping[str, str]) -> Priors:
    """Return what the fleet's series that know themselves are like.

    Args:
        classes: of services, as the exporter tells them.
    """
    groups: dict[Group, list[Floats]] = {}
    for row, traits in traits_known(baselines).items():
        key = baselines.keys[row]
        for service_class in {ANY, classes.get(key.service_name, ANY)}:
            groups.setdefault((key.signal, service_class), []).append(traits)
    return Priors({group: measured(np.array(some)) for group, some in groups.items()})


def traits_known(baselines: Baselines) -> dict[int, Floats]:
    """Return the traits of those rows that know themselves, infinite where there is no limit."""
    traits = baselines.traits.astype(np.float64)
    traits[:, Trait.STILL] = np.log(baselines.limits[:, FLATLINE - len(CHECKS)])
    known = np.flatnonzero((baselines.models != ModelState.LEARNING) & ~np.isnan(traits).any(axis=1))
    return {row: traits[row] for row in known.tolist()}


def measured(traits: Floats) -> Measured:
    """Return what some series are like, robust against a few odd ones; shape (series, TRAITS)."""
    # Of what is unlimited in some, half must be limited.
    bounded = np.minimum(traits, UNLIMITED)
    usual = median(bounded, 0)
    differ = deviation(bounded - usual, 0) if len(traits) > 1 else np.zeros(len(usual))
    usual[Trait.STILL] = usual[Trait.STILL] if usual[Trait.STILL] < UNLIMITED else np.nan
    return Measured(Likeness(usual, differ), float(len(traits)))


def _joined(measured: Measured, around: Likeness) -> Likeness:
    """Return what a group is like, by itself and by what is around it."""
    share = measured.series / (measured.series + HALF_HEARD)
    # Where either knows nothing, the other knows all there is.
    own = np.where(np.isnan(measured.likeness.usual), around.usual, measured.likeness.usual)
    around = replace(around, usual=np.where(np.isnan(around.usual), own, around.usual))
    apart = np.nan_to_num(own - around.usual)
    # What both say varies by what each does, and by how far apart they are.
    spread = share * measured.likeness.differ**2 + (1 - share) * around.differ**2 + share * (1 - share) * apart**2
    return Likeness(around.usual + share * apart, np.sqrt(spread))


@cache
def shipped() -> Mapping[Group, Measured]:
    """Return what is shipped: see the head of its file. Raises FileError."""
    document = read_yaml(SHIPPED)
    if not isinstance(document, dict):
        raise FileError(f"{SHIPPED}: must hold groups by signal and class")
    return {
        (str(signal), str(service_class)): _group(row)
        for signal, classes in document.items()
        for service_class, row in classes.items()
    }


def _group(row: Mapping[str, Any]) -> Measured:
    pairs = [row.get(trait.name.lower(), (np.nan, 0.0)) for trait in Trait]
    usual, differ = np.array(pairs, dtype=np.float64).T
    return Measured(Likeness(usual, differ), min(float(row["series"]), MOST_SHIPPED))
