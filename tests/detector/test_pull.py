import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.clients.endpoint import Credentials, Endpoint
from detector.clients.matrix import Grid, Matrix
from detector.clients.prometheus import Prometheus, QueryError
from detector.coverage import classes_of
from detector.model import History, SeriesKey, Signal
from detector.pull import HISTORIES_AT_ONCE, Puller
from tests.detector.running import AtOnce
from tests.detector.servers import FakePrometheus
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


def puller(server: FakePrometheus, limit: int = 100, signals: tuple[Signal, ...] = SIGNALS) -> Puller:
    prometheus = Prometheus(Endpoint(server.url, Credentials(), 60.0, 1 << 24), lambda _: None, lambda _: None)
    return Puller(prometheus, signals, WINDOW, AtOnce(), lambda _: None, limit=limit)


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


def test_history_has_the_numbers_behind_its_shares(server: FakePrometheus, tmp_path: Path) -> None:
    grid = Grid(AT, 300.0, 30)
    del server.world.courses["cache"]["requests"]
    for history in puller(server).histories(grid, tmp_path):
        if {key.signal for key in history.keys} != {"errors"}:
            assert history.counts is None
            continue
        assert history.counts is not None
        requests = server.world.value("web", "requests", AT + 300.0 * np.arange(30, dtype=np.float64))
        assert history.counts[history.keys.index(ERRORS)] == pytest.approx(WINDOW * requests)
        return
    pytest.fail("no history of errors")


def requests(server: FakePrometheus, folder: Path, columns: int, limit: int = 100) -> History:
    every = puller(server, limit).histories(Grid(AT, 300.0, columns), folder)
    return next(history for history in every if {key.signal for key in history.keys} == {"requests"})


@pytest.mark.parametrize("widest", [1 << 30, 100, 7], ids=["whatever is asked", "in larger parts", "in small parts"])
def test_history_is_asked_for_in_parts_that_are_answered(server: FakePrometheus, tmp_path: Path, widest: int) -> None:
    server.widest = widest
    history = requests(server, tmp_path, 300)
    times = AT + 300.0 * np.arange(300, dtype=np.float64)
    assert [key.service_name for key in history.keys] == ["app", "cache", "web"]
    assert history.values[2] == pytest.approx(server.world.value("web", "requests", times), rel=1e-6)


def test_what_is_more_than_the_limit_is_the_oldest(server: FakePrometheus, tmp_path: Path) -> None:
    gone = server.world.courses["app"]["requests"]
    server.world.courses["app"]["requests"] = lambda times: np.where(times < AT + 200 * 300.0, gone(times), np.nan)
    history = requests(server, tmp_path, 300, limit=2)
    assert [key.service_name for key in history.keys] == ["cache", "web"]
    assert np.isfinite(history.values).all()


def test_a_signal_is_learnt_from_no_more_history_than_it_needs(server: FakePrometheus, tmp_path: Path) -> None:
    short = tuple(replace(signal, history=3000.0) if signal.name == "errors" else signal for signal in SIGNALS)
    prometheus = Prometheus(Endpoint(server.url, Credentials(), 60.0, 1 << 24), lambda _: None, lambda _: None)
    asking = Puller(prometheus, short, WINDOW, AtOnce(), lambda _: None)
    grid = Grid(AT, 300.0, 40)
    for history in asking.histories(grid, tmp_path):
        columns = 10 if history.keys[0].signal == "errors" else 40
        assert history.values.shape[1] == columns
        assert history.start + (columns - 1) * history.step == grid.end
        if history.counts is not None:
            assert history.counts.shape == history.values.shape


def asked(server: FakePrometheus) -> int:
    return sum("rate(larimar_service_syscalls_total" in query for query in server.asked)


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
    server.broken = ("rate(larimar_service_syscalls_total",)
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
    named = {query for query in server.asked if "rate(larimar_service_syscalls_total" in query}
    assert len(named) == 1
    assert 'service_name=~"web"' in named.pop()


def test_history_of_what_is_new_is_asked_by_the_hour(server: FakePrometheus, tmp_path: Path) -> None:
    server.world.courses["web"]["new_system_calls"] = lambda times: np.floor(times / 3600.0)
    grid = Grid(AT, 300.0, 40)
    every = puller(server).histories(grid, tmp_path)
    history = next(history for history in every if history.keys[0].signal == "new_system_calls")
    assert history.values.shape == (1, 40)
    hours = grid.end - 3600.0 * np.array([3, 2, 1, 0])
    assert history.values[0] == pytest.approx(np.repeat(np.floor(hours / 3600.0), [4, 12, 12, 12]))


@pytest.mark.parametrize("step", [60.0, 15.0, 2.0])
def test_columns_up_to_now_are_the_same_however_they_are_asked_for(server: FakePrometheus, step: float) -> None:
    server.world.stop("web", AT + 10 * step, AT + 14 * step)
    history = puller(server).observe(Grid(AT, step, 20)).history
    times = AT + step * np.arange(20, dtype=np.float64)
    expected = server.world.value("web", "requests", times)
    assert history.values[history.keys.index(SeriesKey("web", "requests"))] == pytest.approx(expected, nan_ok=True)
    assert np.isnan(expected).sum() == 4


class Noting(FakePrometheus):
    """Notes of each range that it is asked for whether an evaluation is under way."""

    busy: Callable[[], bool]
    seen: list[bool]

    def _document(self, form: dict[str, str], is_range: bool) -> dict[str, Any]:
        if is_range:
            self.seen.append(self.busy())
        return FakePrometheus._document(self, form, is_range)


class Later(AtOnce):
    """Does what it is given when it is told to."""

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        outcome: Future[Any] = Future()
        self.work.append(lambda: outcome.set_result(fn(*args, **kwargs)))
        return outcome


def test_history_waits_for_the_answers_of_an_evaluation(tmp_path: Path) -> None:
    server, later = Noting(shop(), WINDOW), Later()
    with server.serving():
        prometheus = Prometheus(Endpoint(server.url, Credentials(), 60.0, 1 << 24), lambda _: None, lambda _: None)
        asking = Puller(prometheus, SIGNALS[:2], WINDOW, later, lambda _: None)
        asked = asking.ask(Grid(AT, 60.0, 1))
        server.busy, server.seen = lambda: not asked.answered, []

        def answer() -> None:
            for work in later.work:
                work()

        timer = threading.Timer(0.2, answer)
        timer.start()
        assert list(asking.histories(Grid(AT, 300.0, 30), tmp_path))
        timer.join()
    assert server.seen
    assert not any(server.seen)


def test_history_ends_soon_once_it_is_closed(server: FakePrometheus, tmp_path: Path) -> None:
    asking = puller(server)
    histories = asking.histories(Grid(AT, 300.0, 30), tmp_path)
    next(histories)
    asking.close()
    with pytest.raises(QueryError, match="ends"):
        list(histories)
    before = len(server.asked)
    with pytest.raises(QueryError, match="ends"):
        list(asking.histories(Grid(AT, 300.0, 30), tmp_path))
    assert len(server.asked) - before <= 2 * HISTORIES_AT_ONCE  # how many series there are now


def test_the_newest_of_a_history_comes_at_closer_steps_too(server: FakePrometheus, tmp_path: Path) -> None:
    grid, recent = Grid(AT - 29 * 300.0, 300.0, 30), Grid(AT - 59 * 60.0, 60.0, 60)
    histories = {key: history for history in puller(server).histories(grid, tmp_path, recent) for key in history.keys}
    key = SeriesKey("web", "requests")
    closer = histories[key].recent
    assert closer is not None
    assert (closer.keys, closer.start, closer.step) == (histories[key].keys, recent.start, recent.step)
    times = recent.start + recent.step * np.arange(recent.columns, dtype=np.float64)
    expected = server.world.value("web", "requests", times)
    assert closer.values[closer.keys.index(key)] == pytest.approx(expected, nan_ok=True)
    rare = {signal.name for signal in SIGNALS if signal.every}
    assert all((history.recent is None) == (key.signal in rare) for key, history in histories.items())


def pulled(server: FakePrometheus, folder: Path, end: float, keep: bool) -> dict[SeriesKey, list[str]]:
    prometheus = Prometheus(Endpoint(server.url, Credentials(), 60.0, 1 << 24), lambda _: None, lambda _: None)
    asking = Puller(prometheus, OF_ALL, WINDOW, AtOnce(), lambda _: None, keep=keep)
    grid, recent = Grid(end - 39 * 300.0, 300.0, 40), Grid(end - 99 * 60.0, 60.0, 100)
    found = {}
    for history in asking.histories(grid, folder, recent):
        for row, key in enumerate(history.keys):
            near = None if history.recent is None else history.recent.values[row].tolist()
            counts = None if history.counts is None else history.counts[row].tolist()
            found[key] = [str(history.values[row].tolist()), str(near), str(counts)]
    return found


def test_of_history_that_is_kept_only_what_is_new_is_asked_for(server: FakePrometheus, tmp_path: Path) -> None:
    app = server.world.courses["app"]["requests"]
    server.world.courses["app"]["requests"] = lambda times: np.where(times < AT + 600.0, app(times), np.nan)
    for end in (AT, AT + 900.0):
        assert pulled(server, tmp_path / "kept", end, keep=True) == pulled(server, tmp_path, end, keep=False)
    sizes = []
    for keep in (True, False):
        server.columns.clear()
        pulled(server, tmp_path / "kept", AT + 1800.0, keep)
        sizes.append(sum(server.columns))
    assert sizes[0] < 0.8 * sizes[1]
    assert list((tmp_path / "kept" / "history").iterdir()) == []  # for it is not to be kept any more


def test_where_nothing_can_be_kept_history_is_asked_for_anew(server: FakePrometheus, tmp_path: Path) -> None:
    (tmp_path / "history").touch()
    prometheus = Prometheus(Endpoint(server.url, Credentials(), 60.0, 1 << 24), lambda _: None, lambda _: None)
    asking = Puller(prometheus, OF_ALL[:1], WINDOW, AtOnce(), lambda _: None, keep=True)
    grid = Grid(AT, 300.0, 30)
    with pytest.raises(OSError, match="history"):
        list(asking.histories(grid, tmp_path))
    assert list(asking.histories(grid, tmp_path))


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
