from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from detector.clients.endpoint import Credentials, Endpoint
from detector.clients.matrix import Grid, Matrix
from detector.clients.prometheus import Prometheus, QueryError
from detector.coverage.looks import classes_of
from detector.model import SeriesKey, Signal
from detector.pull import Puller
from detector.reader import Reader
from tests.detector.running import AtOnce
from tests.detector.servers import FakePrometheus, Mood
from tests.detector.world import SIGNALS, shop, steady

AT = 1_700_000_100.0
WINDOW = 120.0
ERRORS = SeriesKey("web", "errors")


@pytest.fixture
def server() -> Iterator[FakePrometheus]:
    with FakePrometheus(shop(), WINDOW).serving() as running:
        yield running


# Asked of all services, as another's signals may be.
OF_ALL = tuple(replace(signal, kinds="") for signal in SIGNALS)


def client(server: FakePrometheus) -> Prometheus:
    return Prometheus(Endpoint(server.url, Credentials(), 60.0, 1 << 24), lambda _: None, lambda _: None)


def puller(server: FakePrometheus, signals: tuple[Signal, ...] = SIGNALS) -> Puller:
    return Puller(client(server), signals, WINDOW, AtOnce(), Reader(signals))


def test_shares_come_with_how_many_requests_they_are_of(server: FakePrometheus) -> None:
    seen = puller(server).observe(Grid(AT, 60.0, 1)).history
    assert seen.counts is not None
    counts = dict(zip(seen.keys, seen.counts[:, 0], strict=True))
    requests = server.world.value("web", "requests", np.array([AT]))[0]
    assert counts[ERRORS] == pytest.approx(WINDOW * requests)
    assert {key.signal for key, count in counts.items() if np.isfinite(count)} == {"errors"}


def test_shares_of_unknown_numbers_are_withheld_and_nothing_else_is(server: FakePrometheus) -> None:
    server.broken = ("increase(larimar_requests_total",)
    seen = puller(server).observe(Grid(AT, 60.0, 1))
    assert [failure.signal for failure in seen.failures] == ["errors"]
    assert {key.signal for key in seen.history.keys} >= {"requests", "latency"}
    assert ERRORS not in seen.history.keys


def asked(server: FakePrometheus) -> int:
    return sum("rate(larimar_service_syscalls_total{" in query for query in server.asked)


def test_what_is_costly_is_asked_for_now_and_then(server: FakePrometheus) -> None:
    course = server.world.courses["web"]["new_system_calls"] = steady(3.0, 0.1, 5)
    key, asking, seen = SeriesKey("web", "new_system_calls"), puller(server, signals=OF_ALL), []
    for minute in range(15):
        history = asking.observe(Grid(AT + 60.0 * minute, 60.0, 1)).history
        seen.append(history.values[history.keys.index(key), 0])
    assert 3 <= asked(server) <= 4
    assert len(set(seen)) == asked(server)
    assert seen[-1] in course(AT + np.arange(900.0))
    before = asked(server)
    history = asking.observe(Grid(AT, 60.0, 3)).history
    assert asked(server) == before + 1
    assert history.values[history.keys.index(key)] == pytest.approx(course(AT + np.array([0.0, 60.0, 120.0])))


def test_what_was_not_answered_is_asked_for_again_at_once(server: FakePrometheus) -> None:
    asking = puller(server, signals=OF_ALL)
    server.broken = ("rate(larimar_service_syscalls_total{",)
    for minute in range(2):
        failures = asking.observe(Grid(AT + minute, 60.0, 1)).failures
        assert [failure.signal for failure in failures] == ["new_system_calls"]
    assert asked(server) == 2
    server.broken = ()
    assert asking.observe(Grid(AT + 2.0, 60.0, 1)).failures == ()


def test_what_is_new_is_asked_of_those_alone_who_do_something_else(server: FakePrometheus) -> None:
    day, begins = 86_400.0, AT + 1_000.0
    courses = server.world.courses
    courses["web"]["new_system_calls"] = lambda times: np.where(times < begins, 0.0, 4.0)
    courses["cache"]["new_system_calls"] = lambda times: np.where(times > 0, 0.0, np.nan)
    courses["app"]["new_system_calls"] = lambda times: np.where(times < AT - day / 2, np.nan, 5.0)
    keys, asking, seen = [SeriesKey(name, "new_system_calls") for name in ("cache", "web")], puller(server), []
    for minute in range(25):
        history = asking.observe(Grid(AT + 60.0 * minute, 60.0, 1)).history
        assert SeriesKey("app", "new_system_calls") not in history.keys
        seen.append([history.values[history.keys.index(key), 0] for key in keys])
    values = np.array(seen)
    assert (values[:, 0] == 0).all()
    told = int(np.flatnonzero(values[:, 1])[0])
    assert AT + 60.0 * told - begins <= 300
    assert (values[told:, 1] == 4.0).all()
    named = {query for query in server.asked if "rate(larimar_service_syscalls_total{" in query}
    assert len(named) == 1
    assert 'service_name=~"web"' in named.pop()


@pytest.mark.parametrize("step", [60.0, 15.0, 2.0])
def test_columns_up_to_now_are_the_same_however_they_are_asked_for(server: FakePrometheus, step: float) -> None:
    server.world.stop("web", AT + 10 * step, AT + 14 * step)
    history = puller(server).observe(Grid(AT, step, 20)).history
    times = AT + step * np.arange(20, dtype=np.float64)
    expected = server.world.value("web", "requests", times)
    assert history.values[history.keys.index(SeriesKey("web", "requests"))] == pytest.approx(expected, nan_ok=True)
    assert np.isnan(expected).sum() == 4


def test_classes_of_services_come_with_what_is_seen(server: FakePrometheus) -> None:
    matrix = Matrix(
        tuple(
            {"service_name": name, "service_class": each}
            for name, each in (("b", "web"), ("a", "queue"), ("a", "cache"))
        ),
        Grid(AT, 60.0, 1),
        np.ones((3, 1)),
    )
    assert classes_of(matrix) == {"a": "cache", "b": "web"}
    asking = puller(server)
    for minute in range(3):
        assert asking.observe(Grid(AT + minute * 60.0, 60.0, 1)).classes is not None
    assert sum("service_class" in query for query in server.asked) == 1


def test_signals_of_calls_have_a_series_for_each_pair(server: FakePrometheus) -> None:
    server.world.calls["web", "app"] = {"calls": steady(7.0, 0.0, 1)}
    server.world.courses["web"]["calls"] = steady(9.0, 0.0, 1)
    server.world.calls["web", ""] = server.world.courses["web"]
    skipped: list[str] = []
    calls = Puller(client(server), SIGNALS, WINDOW, AtOnce(), Reader(SIGNALS, skipped.append))
    history = calls.observe(Grid(AT, 60.0, 1)).history
    found = {key: value for key, (value,) in zip(history.keys, history.values.tolist(), strict=True)}
    assert {key: value for key, value in found.items() if key.signal == "calls"} == {
        SeriesKey("web", "calls", "app"): 7.0
    }
    assert found[SeriesKey("web", "requests")] > 0
    assert skipped == ["no_server"]


def test_of_a_server_that_answers_nothing_not_everything_is_asked(server: FakePrometheus) -> None:
    server.mood = Mood.HANG_UP
    with pytest.raises(QueryError) as caught:
        puller(server, signals=OF_ALL).observe(Grid(AT, 60.0, 1))
    assert caught.value.reason == "transport"
    assert 0 < len(server.asked) <= 10  # each is asked twice where the connection is closed
