"""What is new is told whenever a comparison of everything with last week would tell it, whatever was missed between."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from detector.clients.endpoint import Credentials, Endpoint
from detector.clients.prometheus import Prometheus, QueryError
from detector.model import Bad, Kind, Seconds, Signal
from detector.novelty import HOMES, MOST_NAMED, Novelty
from tests.detector.servers import FakePrometheus
from tests.detector.world import World

HOUR, DAY = 3600.0, 86_400.0
EVERY = 300.0
BEGIN = 20_000 * DAY
SIGNAL = Signal(
    *("new", 'new{service_name=~"$services"}', "per second", Bad.UP, Kind.RATE, "", "", 0.1, False, 70),
    every=EVERY,
    kinds="kinds",
)


@dataclass(slots=True)
class Life(FakePrometheus):
    """Answers of services that do things: whose, and from when to when; and when exporters were restarted."""

    done: list[tuple[str, Seconds, Seconds]] = field(default_factory=list)
    restarts: dict[str, Seconds] = field(default_factory=dict)

    def does(self, times: Any) -> Any:
        """Which things are done when; shape (things, times)."""
        return np.array([(times >= begin) & (times < end) for _, begin, end in self.done])

    def known(self, times: Any) -> Any:
        """Which things' services did anything a day before; shape (things, times)."""
        before, names = self.does(times - DAY), np.array([name for name, *_ in self.done])
        return np.array([before[names == name].any(0) for name in names])

    def _document(self, form: dict[str, str], is_range: bool) -> dict[str, Any]:
        start, end, step = (float(form.get(name, form.get("time", 1))) for name in ("start", "end", "step"))
        times = start + step * np.arange(round((end - start) / step) + 1) if is_range else np.array([start])
        names = np.array([name for name, *_ in self.done])
        now = self.does(times)
        rows, counts = sorted(set(names)), now
        if form["query"] == HOMES:
            counts = np.array([1 + (times >= self.restarts.get(name, np.inf)) for name in names])
        elif form["query"] != "kinds":
            named = re.fullmatch(r'new\{service_name=~"(.*)"\}', form["query"])
            assert named is not None
            pattern = re.sub(r"\\(.)", r"\1", named[1])
            rows = sorted(name for name in set(names) if re.fullmatch(pattern, name))
            counts = now & self.known(times) & ~np.any([self.does(times - ago) for ago in (HOUR, DAY, 7 * DAY)], axis=0)
        there = now if form["query"] in ("kinds", HOMES) else self.known(times)
        result = [
            _row(name, times, counts[names == name].sum(0), there[names == name].any(0), is_range) for name in rows
        ]
        kind = "matrix" if is_range else "vector"
        return {"status": "success", "data": {"resultType": kind, "result": [row for row in result if row]}}


def _row(name: str, times: Any, counts: Any, there: Any, is_range: bool) -> dict[str, Any] | None:
    samples = [[float(at), str(count)] for at, count, is_there in zip(times, counts, there, strict=True) if is_there]
    if not samples:
        return None
    return {"metric": {"service_name": name}, **({"values": samples} if is_range else {"value": samples[0]})}


@pytest.fixture
def life() -> Iterator[Life]:
    with Life(World(courses={})).serving() as serving:
        assert isinstance(serving, Life)
        yield serving


def asking(life: Life) -> Prometheus:
    return Prometheus(Endpoint(life.url, Credentials(), 60.0, 1 << 24), lambda _: None, lambda _: None)


def settle(life: Life, random: np.random.Generator, end: Seconds) -> None:
    """Let services do more and more things, some of them new themselves; names are such as patterns must escape.

    Some exporters are restarted: what was done may be done again, at once, later or never, and other things instead.
    """
    for service in range(12):
        name, first = f'a.b|{service}+"\\', float(random.choice([BEGIN - 8 * DAY, BEGIN - 23 * HOUR, BEGIN]))
        begins = [first, *np.maximum(first, random.uniform(BEGIN - 9 * DAY, end, size=12))]
        restart = float(random.uniform(BEGIN, end)) if service % 2 else np.inf
        life.restarts[name] = restart
        for begin in begins:
            life.done.append((name, begin, restart))
            again = max(begin, restart + float(random.choice([0.0, 1.0, HOUR, np.inf])))
            if np.isfinite(again):
                life.done.append((name, again, np.inf))
        life.done += [(name, begin, np.inf) for begin in restart + np.array([0.0, 10.0, 400.0]) if np.isfinite(begin)]


@pytest.mark.parametrize("restarts", [0.0, 0.1], ids=["at once", "with restarts and failures"])
def test_nothing_new_is_missed_or_told_twice(life: Life, restarts: float) -> None:
    random = np.random.default_rng(int(10 * restarts))
    looks = 48
    settle(life, random, BEGIN + looks * EVERY)
    prometheus, novelty, told = asking(life), Novelty(asking(life), SIGNAL, 120.0), 0
    for look in range(looks):
        at = BEGIN + look * EVERY
        if random.random() < restarts:
            novelty = Novelty(prometheus, SIGNAL, 120.0)
        if random.random() < restarts:
            continue
        if random.random() < restarts:
            life.broken = (random.choice(["kinds", "new"]),)
            with suppress(QueryError):
                novelty.look(at)
            life.broken = ()
        everything = _values(prometheus.query('new{service_name=~".*"}', at))
        seen = _values(novelty.look(at))
        assert {name: value for name, value in seen.items() if value} == {
            name: value for name, value in everything.items() if value
        }
        assert seen.keys() <= {name for name, begin, _ in life.done if at - begin >= DAY - HOUR}
        told += sum(value > 0 for value in seen.values())
    assert told > 50


def _values(matrix: Any) -> dict[str, float]:
    return {labels["service_name"]: row[0] for labels, row in zip(matrix.labels, matrix.values, strict=True)}


def test_only_those_who_do_something_else_are_asked_for(life: Life) -> None:
    life.done = [(f"s{number}", BEGIN - 8 * DAY, np.inf) for number in range(50)]
    life.done += [("s7", BEGIN + 3 * EVERY, np.inf)]
    novelty = Novelty(asking(life), SIGNAL, 120.0)
    looks = int(3 * HOUR / EVERY)
    for look in range(looks):
        assert len(novelty.look(BEGIN + look * EVERY).labels) == 50
    compared = [query for query in life.asked if query.startswith("new")]
    assert set(compared) == {'new{service_name=~"s7"}'}
    assert len(compared) <= 1.5 * HOUR / EVERY
    assert life.asked.count("kinds") == looks + 2  # what was before the first look, in two questions more


def test_more_than_can_be_named_are_all_asked_for(life: Life) -> None:
    life.done = [(f"s{number}", BEGIN - 8 * DAY, np.inf) for number in range(MOST_NAMED + 1)]
    life.done += [(name, BEGIN + EVERY, np.inf) for name, *_ in life.done]
    novelty = Novelty(asking(life), SIGNAL, 120.0)
    novelty.look(BEGIN)
    assert set(_values(novelty.look(BEGIN + EVERY)).values()) == {1.0}
    assert life.asked[-1] == 'new{service_name=~".*"}'


def test_a_clock_that_is_set_back_is_no_news(life: Life) -> None:
    life.done = [("s", BEGIN - 8 * DAY, np.inf), ("s", BEGIN + EVERY, np.inf)]
    novelty = Novelty(asking(life), SIGNAL, 120.0)
    assert _values(novelty.look(BEGIN + EVERY)) == {"s": 1.0}
    assert _values(novelty.look(BEGIN)) == {"s": 0.0}
    assert _values(novelty.look(BEGIN + EVERY)) == {"s": 1.0}
