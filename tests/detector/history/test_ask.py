"""Weeks of all signals, as they are asked for to be learnt from."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.clients.matrix import Grid
from detector.clients.prometheus import QueryError
from detector.history.ask import HISTORIES_AT_ONCE, Histories, Manner
from detector.history.precedence import Precedence
from detector.model import History, SeriesKey, Signal
from detector.reader import Reader
from tests.detector.servers import FakePrometheus
from tests.detector.test_pull import AT, ERRORS, OF_ALL, WINDOW, client
from tests.detector.world import SIGNALS, shop


@pytest.fixture
def server() -> Iterator[FakePrometheus]:
    with FakePrometheus(shop(), WINDOW).serving() as running:
        yield running


def histories(server: FakePrometheus, manner: Manner | None = None, signals: tuple[Signal, ...] = SIGNALS) -> Histories:
    return Histories(client(server), signals, WINDOW, Reader(signals), manner)


def test_history_has_the_numbers_behind_its_shares(server: FakePrometheus, tmp_path: Path) -> None:
    grid = Grid(AT, 300.0, 30)
    del server.world.courses["cache"]["requests"]
    for history in histories(server).all(grid, tmp_path):
        if {key.signal for key in history.keys} != {"errors"}:
            assert history.counts is None
            continue
        assert history.counts is not None
        requests = server.world.value("web", "requests", AT + 300.0 * np.arange(30, dtype=np.float64))
        assert history.counts[history.keys.index(ERRORS)] == pytest.approx(WINDOW * requests)
        return
    pytest.fail("no history of errors")


def requests(server: FakePrometheus, folder: Path, columns: int, limit: int = 100) -> History:
    every = histories(server, Manner(limit)).all(Grid(AT, 300.0, columns), folder)
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
    asking = histories(server, signals=short)
    grid = Grid(AT, 300.0, 40)
    for history in asking.all(grid, tmp_path):
        columns = 10 if history.keys[0].signal == "errors" else 40
        assert history.values.shape[1] == columns
        assert history.start + (columns - 1) * history.step == grid.end
        if history.counts is not None:
            assert history.counts.shape == history.values.shape


def test_history_of_what_is_new_is_asked_by_the_hour(server: FakePrometheus, tmp_path: Path) -> None:
    server.world.courses["web"]["new_system_calls"] = lambda times: np.floor(times / 3600.0)
    grid = Grid(AT, 300.0, 40)
    every = histories(server).all(grid, tmp_path)
    history = next(history for history in every if history.keys[0].signal == "new_system_calls")
    assert history.values.shape == (1, 40)
    hours = grid.end - 3600.0 * np.array([3, 2, 1, 0])
    assert history.values[0] == pytest.approx(np.repeat(np.floor(hours / 3600.0), [4, 12, 12, 12]))


class Noting(FakePrometheus):
    """Notes of each range that it is asked for whether an evaluation is under way."""

    busy: Callable[[], bool]
    seen: list[bool]

    def _document(self, form: dict[str, str], is_range: bool) -> dict[str, Any]:
        if is_range:
            self.seen.append(self.busy())
        return FakePrometheus._document(self, form, is_range)


def test_history_waits_while_an_evaluation_is_under_way(tmp_path: Path) -> None:
    server, began = Noting(shop(), WINDOW), threading.Event()
    clock = [0.0]

    def pause(seconds: float) -> None:
        clock[0] += seconds
        if clock[0] > 7.0 and server.busy():
            began.clear()
            precedence.expect(60.0)

    precedence = Precedence(lambda: clock[0], pause)
    server.busy, server.seen = began.is_set, []
    with server.serving(), ThreadPoolExecutor(1) as evaluating:
        asking = histories(server, Manner(precedence=precedence), SIGNALS[:2])
        began.set()
        evaluating.submit(precedence.begin).result()
        assert list(asking.all(Grid(AT, 300.0, 30), tmp_path))
    assert clock[0] > 7.0
    assert server.seen
    assert not any(server.seen)


def test_history_ends_soon_once_it_is_closed(server: FakePrometheus, tmp_path: Path) -> None:
    asking = histories(server)
    every = asking.all(Grid(AT, 300.0, 30), tmp_path)
    next(every)
    asking.close()
    with pytest.raises(QueryError, match="ends"):
        list(every)
    before = len(server.asked)
    with pytest.raises(QueryError, match="ends"):
        list(asking.all(Grid(AT, 300.0, 30), tmp_path))
    assert len(server.asked) - before <= 2 * HISTORIES_AT_ONCE  # how many series there are now


def test_the_newest_of_a_history_comes_at_closer_steps_too(server: FakePrometheus, tmp_path: Path) -> None:
    grid, recent = Grid(AT - 29 * 300.0, 300.0, 30), Grid(AT - 59 * 60.0, 60.0, 60)
    found = {key: history for history in histories(server).all(grid, tmp_path, recent) for key in history.keys}
    key = SeriesKey("web", "requests")
    closer = found[key].recent
    assert closer is not None
    assert (closer.keys, closer.start, closer.step) == (found[key].keys, recent.start, recent.step)
    times = recent.start + recent.step * np.arange(recent.columns, dtype=np.float64)
    expected = server.world.value("web", "requests", times)
    assert closer.values[closer.keys.index(key)] == pytest.approx(expected, nan_ok=True)
    rare = {signal.name for signal in SIGNALS if signal.every}
    assert all((history.recent is None) == (key.signal in rare) for key, history in found.items())


def pulled(server: FakePrometheus, folder: Path, end: float, keep: bool) -> dict[SeriesKey, list[str]]:
    asking = histories(server, Manner(keep=keep), OF_ALL)
    grid, recent = Grid(end - 39 * 300.0, 300.0, 40), Grid(end - 99 * 60.0, 60.0, 100)
    found = {}
    for history in asking.all(grid, folder, recent):
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
    asking = histories(server, Manner(keep=True), OF_ALL[:1])
    grid = Grid(AT, 300.0, 30)
    with pytest.raises(OSError, match="history"):
        list(asking.all(grid, tmp_path))
    assert list(asking.all(grid, tmp_path))


def test_a_signal_whose_query_is_refused_costs_no_other_its_history(
    server: FakePrometheus, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.broken = ("larimar_service_cpu_seconds_total",)
    found = {key.signal for history in histories(server).all(Grid(AT, 300.0, 30), tmp_path) for key in history.keys}
    assert {"requests", "latency", "memory"} <= found
    assert "cpu" not in found
    assert [record.__dict__["signal"] for record in caplog.records] == ["cpu"]


def test_where_every_query_is_refused_there_is_no_history(server: FakePrometheus, tmp_path: Path) -> None:
    server.broken = ("",)
    with pytest.raises(QueryError, match="400"):
        list(histories(server).all(Grid(AT, 300.0, 30), tmp_path))
