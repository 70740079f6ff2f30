import numpy as np

from detector.incidents.episodes import MOST_PER_SERIES, MOST_SECONDS, Span, left_out, remember, until, within
from detector.model import Finding, History, SeriesKey

KEY = SeriesKey("app", "latency")
OTHER = SeriesKey("app", "errors")
MINUTE = 60.0


def finding(since: float, at: float, key: SeriesKey = KEY) -> Finding:
    return Finding(key, at, since, 2.0, 9.0, 1.0, 0.5, 1.5, False)


def test_an_incident_is_one_span_from_its_first_sample_to_its_last() -> None:
    episodes = remember({}, [finding(60, 180)])
    episodes = remember(episodes, [finding(60, 240)])
    episodes = remember(episodes, [])
    assert episodes == {KEY: (Span(60, 240),)}


def test_one_that_comes_back_is_another() -> None:
    episodes = remember({}, [finding(60, 180)])
    assert remember(episodes, [finding(600, 660)]) == {KEY: (Span(60, 180), Span(600, 660))}


def test_a_replay_after_a_restart_adds_nothing() -> None:
    episodes = remember({}, [finding(60, 600)])
    assert remember(episodes, [finding(120, 300)]) == episodes


def test_only_so_many_are_remembered_of_one_series() -> None:
    episodes = remember({}, [])
    for turn in range(MOST_PER_SERIES + 5):
        episodes = remember(episodes, [finding(1000.0 * turn, 1000.0 * turn + 60)])
    assert len(episodes[KEY]) == MOST_PER_SERIES
    assert episodes[KEY][0].start == 5000.0


def test_only_so_many_are_remembered_in_all_and_the_newest_stay() -> None:
    services = [SeriesKey(f"service-{number}", "latency") for number in range(10)]
    episodes = remember({}, [finding(number, number + 1.0, key) for number, key in enumerate(services)], most=4)
    assert sorted(episodes) == services[6:]


def test_what_history_no_longer_holds_is_forgotten() -> None:
    episodes = {KEY: (Span(60, 180), Span(600, 660)), OTHER: (Span(0, 100),)}
    assert within(episodes, 200.0) == {KEY: (Span(600, 660),)}


def test_a_clock_that_was_set_back_leaves_none_in_the_future() -> None:
    episodes = {KEY: (Span(60, 180), Span(600, 660)), OTHER: (Span(500, 600),)}
    assert until(episodes, 120.0) == {KEY: (Span(60, 120),)}


def test_history_is_left_out_while_its_own_series_was_in_an_incident() -> None:
    history = History((OTHER, KEY), 0.0, MINUTE, np.ones((2, 10)))
    cut = left_out(history, {KEY: (Span(120, 240), Span(480, 1000)), SeriesKey("gone", "latency"): (Span(0, 1),)})
    assert cut.unlearnt is not None
    assert np.flatnonzero(cut.unlearnt[1]).tolist() == [2, 3, 4, 8, 9]
    assert not cut.unlearnt[0].any()
    assert np.array_equal(np.isnan(cut.values), cut.unlearnt)
    assert not np.isnan(history.values).any()


def test_what_lasts_for_longer_than_a_day_becomes_the_usual() -> None:
    history = History((KEY,), 0.0, 3600.0, np.ones((1, 72)))
    cut = left_out(history, {KEY: (Span(3600, 70 * 3600),)})
    assert cut.unlearnt is not None
    assert int(cut.unlearnt.sum()) == MOST_SECONDS / 3600 + 1


def test_history_without_incidents_stays_as_it_is() -> None:
    history = History((KEY,), 0.0, MINUTE, np.ones((1, 10)))
    assert left_out(history, {}) is history
