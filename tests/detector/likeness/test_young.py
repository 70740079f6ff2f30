"""Series too young to be known by themselves are taken for ones of their class."""

from dataclasses import replace

import numpy as np
import pytest

from detector.baselines import Baselines, join
from detector.checks import FLATLINE, RESIDUAL
from detector.checks.statistics import CHECKS
from detector.learning.fitting import fit, prior
from detector.likeness.priors import ANY, Priors, gathered, shipped
from detector.likeness.traits import Trait
from detector.likeness.young import assumed
from detector.model import Floats, History, Kind, SeriesKey
from detector.signals import SHIPPED, load
from tests.detector.worlds import BEGIN, DAY, LATENCY, SIGNALS

MINUTE, FLEET = 60.0, 8
NAMED = {signal.name: signal for signal in SIGNALS}
CALM, WILD = 0.03, 0.3


def history(names: list[str], noises: list[float], days: float, seed: int = 1) -> History:
    """Latencies about 20 ms, or what their names say, at both of the product's steps."""
    random = np.random.default_rng(seed)
    levels = 0.02 * np.exp(random.normal(0, 1, len(names)))
    columns = int(days * 1440)
    values = levels[:, None] * np.exp(np.array(noises)[:, None] * random.standard_normal((len(names), columns)))
    keys = tuple(SeriesKey(name, LATENCY.name) for name in names)
    recent = History(keys, BEGIN, MINUTE, values[:, -3 * 1440 :])
    return History(keys, BEGIN, 300.0, values[:, ::5], recent=replace(recent, start=BEGIN + days * DAY - 3 * DAY))


@pytest.fixture(scope="module")
def fleet() -> tuple[Baselines, dict[str, str]]:
    names = [f"{kind}-{number}" for kind in ("cache", "batch") for number in range(FLEET)]
    noises = [CALM] * FLEET + [WILD] * FLEET
    return fit(history(names, noises, 4.0), SIGNALS, MINUTE), {name: name.split("-")[0] for name in names}


def spread_of(baselines: Baselines, classes: dict[str, str], fleet: tuple[Baselines, dict[str, str]]) -> Floats:
    known, of = fleet
    told = assumed(join((known, baselines)), {**of, **classes}, gathered(known, of), NAMED)
    return told.spread[len(known.keys) :, 0].astype(np.float64)


def test_a_new_service_is_taken_for_one_of_its_class(fleet: tuple[Baselines, dict[str, str]]) -> None:
    keys = tuple(SeriesKey(name, LATENCY.name) for name in ("one", "two", "three"))
    calm, wild, unknown = spread_of(prior(keys, SIGNALS, MINUTE), {"one": "cache", "two": "batch"}, fleet)
    assert CALM < calm < 0.4 * WILD
    assert wild == pytest.approx(WILD, rel=0.6)
    assert calm < unknown


def test_the_longer_it_is_known_the_more_it_is_taken_for_itself(fleet: tuple[Baselines, dict[str, str]]) -> None:
    spreads = [
        spread_of(fit(history(["odd"], [WILD], days, seed=3), SIGNALS, MINUTE), {"odd": "cache"}, fleet)[0]
        for days in (0.1, 0.5, 1.5)
    ]
    assert spreads == sorted(spreads)
    assert spreads[-1] > 0.8 * WILD


def test_those_that_know_themselves_stay_as_they_are(fleet: tuple[Baselines, dict[str, str]]) -> None:
    known, classes = fleet
    told = assumed(known, classes, gathered(known, classes), NAMED)
    assert np.array_equal(told.spread, known.spread)
    assert np.array_equal(told.limits, known.limits)


def test_limits_of_its_like_hold_for_it(fleet: tuple[Baselines, dict[str, str]]) -> None:
    known, classes = fleet
    young = prior((SeriesKey("new", LATENCY.name),), SIGNALS, MINUTE)
    told = assumed(young, {"new": "cache"}, gathered(known, classes), NAMED)
    assert np.isinf(young.limits[0, FLATLINE - len(CHECKS)])
    assert 300 <= told.limits[0, FLATLINE - len(CHECKS)] < 3600
    assert 2 < told.limits[0, RESIDUAL] < 12


def test_without_a_fleet_what_is_shipped_counts_and_without_that_the_kind_of_data() -> None:
    nothing = Priors()
    shipped_memory = nothing.of("memory", "database", Kind.GAUGE).usual[Trait.DEVIATION]
    assert shipped_memory < nothing.of("unheard of", "database", Kind.GAUGE).usual[Trait.DEVIATION]


def test_what_is_shipped_is_of_shipped_signals_and_sound() -> None:
    names = {signal.name for signal in load((SHIPPED,))}
    assert {signal for signal, _ in shipped()} <= names
    assert {service_class for _, service_class in shipped()} > {ANY, "application", "cache", "database"}
    for group in shipped().values():
        assert np.isfinite(group.likeness.usual[: Trait.STILL]).all()
        assert (group.likeness.differ >= 0).all()
