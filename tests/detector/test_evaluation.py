from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from detector.baselines import Baselines, ModelState
from detector.evaluation import State, adopt, empty_state, evaluate
from detector.learning.fitting import fit, prior
from detector.model import Bad, Finding, Floats, History, Kind, SeriesKey, Signal
from detector.signals import SHIPPED, load
from tests.detector.worlds import BEGIN, DAY, LATENCY, REQUESTS, SIGNALS, WEEK, Fault, World

NOW = BEGIN + 4 * WEEK
SERVICES = 8  # each drawn from its own seed


@dataclass(frozen=True, slots=True)
class Run:
    """Findings by evaluation, and the state at the end."""

    findings: list[tuple[Finding, ...]]
    state: State

    def first(self, signal: str) -> int:
        """The evaluation with the first finding of a signal of any service; -1 if there is none."""
        return next((n for n, found in enumerate(self.findings) if any(f.key.signal == signal for f in found)), -1)


def of(signal: str) -> set[SeriesKey]:
    return {SeriesKey(f"service-{n}", signal) for n in range(SERVICES)}


def run(baselines: Baselines, live: History, state: State | None = None) -> Run:
    current = empty_state(baselines.keys) if state is None else state
    findings = []
    for column in range(live.values.shape[1]):
        result = evaluate(baselines, current, live.start + column * live.step, live.values[:, column])
        current = result.state
        findings.append(result.findings)
    return Run(findings, current)


@pytest.fixture(scope="module")
def world() -> World:
    return World(1, SERVICES)


@pytest.fixture(scope="module", params=(60.0, 20.0), ids=("every-minute", "every-20-seconds"))
def interval(request: pytest.FixtureRequest) -> float:
    return float(request.param)


@pytest.fixture(scope="module")
def baselines(world: World, interval: float) -> Baselines:
    return fit(world.read(BEGIN, NOW, 300.0), SIGNALS, interval)


@pytest.mark.parametrize("hour", [3, 9, 15, 21])
@pytest.mark.parametrize(
    ("fault", "signal"),
    [
        ({"arrive": 0.0}, "requests"),
        ({"slower": 0.3}, "latency"),
        ({"errors": 0.05}, "errors"),
    ],
    ids=["stop", "slower by 300 ms", "5 % errors"],
)
def test_a_clear_fault_is_found_within_five_evaluations(
    world: World, baselines: Baselines, interval: float, hour: int, fault: dict[str, float], signal: str
) -> None:
    begin = NOW + hour * 3600.0
    lasting = Fault(begin, begin + 20 * interval, **fault)
    live = world.read(begin - 20 * interval, begin + 6 * interval, interval, lasting)
    # The fault is at work from the evaluation at `begin` on, seen first by the one after it.
    findings = run(baselines, live).findings
    assert not any(findings[:21])
    assert {finding.key for finding in findings[25] if finding.key.signal == signal} == of(signal)


def test_errors_of_a_service_that_never_failed_are_told_within_three_intervals(interval: float) -> None:
    times = np.arange(BEGIN, NOW, 300.0)
    key = SeriesKey("web", "errors")
    never = fit(History((key,), BEGIN, 300.0, np.zeros((1, len(times)))), SIGNALS, interval)
    values = np.array([[0.0] * 20 + [0.05] * 4])
    findings = run(never, History((key,), NOW, interval, values)).findings
    assert not any(findings[:21])
    assert findings[23]


@pytest.mark.parametrize("requests", [7.0, 60.0, 2000.0])
def test_a_failed_request_now_and_then_is_chance_and_a_lasting_share_of_them_is_not(
    requests: float, interval: float
) -> None:
    key, columns = SeriesKey("web", "errors"), int(4 * WEEK / 300)
    counts = np.full((1, columns), requests)
    never = fit(History((key,), BEGIN, 300.0, np.zeros((1, columns)), counts=counts), SIGNALS, interval)
    # One failed request is seen for as long as the window of the rates is, and soon after there is another.
    seen = int(120 / interval)
    chance = np.array([*[0.0] * 20, *[1 / requests] * seen, *[0.0] * 3, *[1 / requests] * seen, *[0.0] * 20])
    harm = np.full(int(1800 / interval), 0.05 if requests > 10 else 0.6)

    def findings(values: Floats) -> list[tuple[Finding, ...]]:
        state, found = empty_state(never.keys), []
        for column, value in enumerate(values):
            at = NOW + column * interval
            result = evaluate(never, state, at, np.array([value]), counts=np.array([requests]))
            state = result.state
            found.append(result.findings)
        return found

    assert not any(findings(chance))
    assert findings(np.concatenate([chance, harm]))[-1]


def released(hours: int, factor: float) -> Floats:
    """Steady requests with a release after an hour: two minutes at half of them, then so many times as many."""
    minutes = np.arange(hours * 60)
    level = np.where(minutes < 60, 1.0, np.where(minutes < 62, 0.5, factor))
    return np.asarray(100 * level * np.exp(0.05 * np.random.default_rng(3).standard_normal(len(minutes))))[None]


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_a_release_that_leaves_a_level_a_little_off_is_told_neither_then_nor_later(factor: float) -> None:
    key, random = SeriesKey("web", "requests"), np.random.default_rng(2)
    calm = 100 * np.exp(0.05 * random.standard_normal((1, int(2 * WEEK / 300))))
    fitted = fit(History((key,), NOW - 2 * WEEK, 300.0, calm), SIGNALS, 60.0)
    after = run(fitted, History((key,), NOW, 60.0, released(36, factor)))
    assert not any(after.findings)
    # It is what others are compared with from then on.
    at = NOW + 36 * 3600.0
    expected = evaluate(fitted, after.state, at, np.array([100.0])).scores.expected[0]
    assert expected == pytest.approx(100 * factor, rel=0.03)


def test_what_moved_stays_so_once_a_series_is_stabilised_in_another_way() -> None:
    signal = Signal("memory", "", "bytes", Bad.BOTH, Kind.GAUGE, "m", "a", 1e6, False, 1)
    key, random = SeriesKey("web", "memory"), np.random.default_rng(2)
    usual = 1e8 * np.exp(0.02 * random.standard_normal((1, int(2 * WEEK / 300))))
    odd = np.where(np.arange(usual.shape[1]) == 9, -1.0, usual)
    linear, logarithmic = (fit(History((key,), NOW - 2 * WEEK, 300.0, each), (signal,), 60.0) for each in (odd, usual))
    assert linear.codes[0] != logarithmic.codes[0]
    live = 1.06e8 * np.exp(0.02 * random.standard_normal((1, 720)))
    before = run(linear, History((key,), NOW, 60.0, live))
    assert before.state.memory.moved[0] > 0.5
    after = run(logarithmic, History((key,), NOW + 43_200, 60.0, live), adopt(before.state, logarithmic))
    assert not any(before.findings)
    assert not any(after.findings)


@pytest.mark.parametrize("factor", [0.5, 1.8])
def test_a_release_that_does_harm_is_told_soon_and_for_as_long(factor: float) -> None:
    key, random = SeriesKey("web", "requests"), np.random.default_rng(2)
    calm = 100 * np.exp(0.05 * random.standard_normal((1, int(2 * WEEK / 300))))
    fitted = fit(History((key,), NOW - 2 * WEEK, 300.0, calm), SIGNALS, 60.0)
    found = run(fitted, History((key,), NOW, 60.0, released(12, factor))).findings
    assert not any(found[:60])
    assert all(found[70:])


def test_the_same_hours_without_a_fault_give_no_finding(world: World, baselines: Baselines, interval: float) -> None:
    live = world.read(NOW, NOW + (WEEK if interval == 60.0 else DAY), interval)
    assert not any(run(baselines, live).findings)


def test_a_holiday_that_looks_like_a_day_of_the_weekend_is_no_fault(world: World, baselines: Baselines) -> None:
    # BEGIN is a Wednesday. The epoch's weeks end with one, so the world's weekend is Tuesday and Wednesday.
    holiday, like = NOW + 2 * DAY, NOW + 6 * DAY
    usual = world.read(holiday, holiday + DAY / 2, baselines.step).values
    live = replace(world.read(like, like + DAY / 2, baselines.step), start=holiday)
    assert live.values[::3].mean() < 0.8 * usual[::3].mean()
    assert not any(run(baselines, live).findings)


def test_a_finding_says_what_was_expected_and_ends_after_recovery(world: World, baselines: Baselines) -> None:
    begin, interval = NOW + 12 * 3600.0, baselines.step
    live = world.read(begin - 600, begin + 3600, interval, Fault(begin, begin + 900, slower=0.3))
    result = run(baselines, live)
    during = [f for f in result.findings[int(1200 / interval)] if f.key.signal == "latency"]
    assert len(during) == SERVICES
    for finding in during:
        assert finding.score > 1
        assert finding.observed == pytest.approx(0.305, rel=0.02)
        assert finding.expected == pytest.approx(0.005, rel=0.1)
        assert finding.lower <= finding.expected <= finding.upper < finding.observed
        assert begin < finding.since <= begin + 3 * interval
        assert not finding.silent
    over = int((600 + 900 + 120) / interval) + 5
    assert not any(result.findings[over:])


def test_a_series_that_vanishes_is_silent(world: World, baselines: Baselines) -> None:
    interval = baselines.step
    live = world.read(NOW, NOW + 10 * interval, interval)
    gone = replace(live, values=live.values.copy())
    gone.values[:3, 5:] = np.nan
    result = run(baselines, gone)
    assert result.first("requests") <= 5 + 3
    last = result.findings[-1]
    assert [(f.key, f.silent) for f in last] == [(SeriesKey("service-0", "requests"), True)]
    assert np.isnan(last[0].observed)


def test_what_cannot_be_seen_is_not_silent(world: World, baselines: Baselines) -> None:
    state = empty_state(baselines.keys)
    hidden = np.zeros(len(baselines.keys), np.bool_)
    for column in range(30):
        points = np.full(len(baselines.keys), np.nan)
        result = evaluate(baselines, state, NOW + 60.0 * column, points, hidden)
        state = result.state
        assert not result.findings
        assert np.isnan(result.scores.score).all()


def test_a_short_blind_spot_neither_ends_nor_begins_an_alert(world: World, baselines: Baselines) -> None:
    interval = baselines.step
    stopped = Fault(NOW, NOW + 1e5, arrive=0.0)
    live = world.read(NOW - 600, NOW + 600, interval, stopped)
    result = run(baselines, live)
    firing = {finding.key for finding in result.findings[-1]}
    assert firing >= of("requests")
    hidden = np.zeros(len(baselines.keys), np.bool_)
    blind = evaluate(baselines, result.state, NOW + 660, np.full(len(baselines.keys), np.nan), hidden)
    assert {finding.key for finding in blind.findings} == firing


def test_two_detectors_with_the_same_data_agree_to_the_bit(world: World) -> None:
    history = world.read(BEGIN, BEGIN + 8 * DAY, 300.0)
    live = world.read(NOW, NOW + 3600, 60.0, Fault(NOW + 600, NOW + 1800, slower=0.3))
    first, second = (run(fit(history, SIGNALS, 60.0), live) for _ in range(2))
    assert first.findings == second.findings


def test_refitting_keeps_alerts_and_forgets_lost_series(world: World, baselines: Baselines) -> None:
    live = world.read(NOW - 600, NOW + 600, baselines.step, Fault(NOW, NOW + 1e5, slower=0.3))
    before = run(baselines, live)
    fewer = prior((SeriesKey("new", "requests"), SeriesKey("service-1", "latency")), SIGNALS, baselines.step)
    after = adopt(before.state, fewer)
    assert after.keys == fewer.keys
    assert after.held.firing.tolist() == [False, True]
    assert after.memory.level.tolist() == [0.0, 0.0]


def test_a_new_series_learns_before_it_alerts() -> None:
    key = SeriesKey("new", "latency")
    baselines = prior((key,), SIGNALS, 60.0)
    assert (baselines.keys, baselines.models.tolist()) == ((key,), [ModelState.LEARNING])
    random = np.random.default_rng(1)
    usual = 0.02 * np.exp(0.1 * random.standard_normal(60))
    early = run(baselines, History((key,), NOW, 60.0, np.concatenate([usual[:5], [5.0] * 5])[None]))
    assert not any(early.findings)
    calm = run(baselines, History((key,), NOW, 60.0, usual[None]))
    assert not any(calm.findings)
    late = run(baselines, History((key,), NOW + 3600, 60.0, np.full((1, 5), 2.0)), calm.state)
    assert late.first("latency") in (3, 4)


@pytest.mark.parametrize("known", [0.0, 1800.0, 10 * 3600.0], ids=["nothing", "half an hour", "ten hours"])
@pytest.mark.parametrize("hour", [7, 19])
def test_the_first_days_pass_without_alerts_yet_a_stop_is_found(world: World, known: float, hour: int) -> None:
    start = BEGIN + hour * 3600.0
    before = world.read(start - known, start, 300.0)
    baselines = fit(before, SIGNALS, 60.0)
    assert set(baselines.models.tolist()) == {ModelState.LEARNING}
    calm = run(baselines, world.read(start, start + 2 * DAY, 60.0))
    assert not any(calm.findings)
    stop = start + 2 * DAY
    for fault, signal in (
        (Fault(stop, stop + DAY, arrive=0.0), "requests"),
        (Fault(stop, stop + DAY, slower=0.3), "latency"),
    ):
        broken = run(baselines, world.read(stop, stop + 600, 60.0, fault), calm.state)
        assert {finding.key for finding in broken.findings[5] if finding.key.signal == signal} == of(signal)


def test_arrays_of_other_series_are_refused(baselines: Baselines) -> None:
    with pytest.raises(ValueError, match="for 24 baselines"):
        evaluate(baselines, empty_state(baselines.keys), NOW, np.zeros(2))
    with pytest.raises(ValueError, match="for 24 baselines"):
        evaluate(baselines, empty_state(baselines.keys[:2]), NOW, np.zeros(24))


numbers = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.just(0.0), st.integers(0, 5).map(float), st.floats(0, 1)
)


@settings(max_examples=40, deadline=None)
@given(
    history=arrays.arrays(np.float64, st.tuples(st.just(3), st.integers(1, 200)), elements=numbers),
    live=arrays.arrays(np.float64, st.tuples(st.just(3), st.integers(1, 12)), elements=numbers),
    step=st.sampled_from([20.0, 300.0, 7200.0]),
)
def test_no_numbers_break_fit_or_evaluation(history: Floats, live: Floats, step: float) -> None:
    keys = tuple(SeriesKey("any", signal.name) for signal in SIGNALS)
    baselines = fit(History(keys, BEGIN, step, history), SIGNALS, 60.0)
    state = empty_state(keys)
    for column in range(live.shape[1]):
        result = evaluate(baselines, state, NOW + 60.0 * column, live[:, column])
        state = result.state
        score = result.scores.score
        assert (np.isnan(score) | ((score >= 0) & np.isfinite(score))).all()
        assert not np.isinf(result.scores.expected).any()
        assert not np.isnan(state.memory.level).any()
        assert not np.isnan(state.memory.smoothed).any()


@pytest.mark.parametrize("factor", [1e-3, 64.0, 1e6])
@pytest.mark.parametrize("signal", [REQUESTS, LATENCY], ids=lambda signal: signal.name)
def test_the_unit_does_not_matter(factor: float, signal: Signal) -> None:
    key = SeriesKey("any", signal.name)
    world = World(5, 1)
    row = world.keys.index(SeriesKey("service-0", signal.name))
    history = world.read(BEGIN, BEGIN + 8 * DAY, 600.0).values[row : row + 1]
    live = world.read(BEGIN + 8 * DAY, BEGIN + 8.1 * DAY, 60.0).values[row : row + 1] * 1.4
    scores = []
    for scale in (1.0, factor):
        scaled = replace(signal, floor=signal.floor * scale)
        baselines = fit(History((key,), BEGIN, 600.0, history * scale), (scaled,), 60.0)
        state = empty_state((key,))
        for column in range(live.shape[1]):
            result = evaluate(baselines, state, BEGIN + 8 * DAY + 60.0 * column, live[:, column] * scale)
            state = result.state
            scores.append(float(result.scores.score[0]))
    half = len(scores) // 2
    assert scores[:half] == pytest.approx(scores[half:], rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("name", ["new_errors", "new_dependencies", "new_system_calls", "memory_exhaustion"])
def test_what_never_was_is_told_once_it_lasts(name: str, interval: float) -> None:
    signal = next(signal for signal in load((SHIPPED,)) if signal.name == name)
    key, history = SeriesKey("web", name), np.zeros((1, int(4 * WEEK / 600)))
    never = fit(History((key,), BEGIN, 600.0, history), (signal,), interval)
    much = 1.3 if signal.kind is Kind.RATIO else 2 * signal.floor
    little = 0.5 * signal.floor
    lasting = History((key,), NOW, interval, np.array([[0.0] * 10 + [much] * 5]))
    assert run(never, lasting).first(name) in range(11, 15)
    for harmless in ([0.0] * 10 + [much] + [0.0] * 9, [0.0] * 10 + [little] * 60):
        assert run(never, History((key,), NOW, interval, np.array([harmless]))).first(name) == -1
