"""The summary: rows from Prometheus's vectors, and lines that fit."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickstart.summary import Answers, Firing, Sample, duration, lines, queries, rate, rows, size, window


def sample(value: float, service: str, protocol: str = "") -> Sample:
    return Sample({"service_name": service, "protocol": protocol}, value)


ANSWERS = Answers(
    requests=(sample(2.0, "cache", "redis"), sample(1250.0, "shop", "http"), sample(0.0, "shop", "redis")),
    errors=(sample(12.5, "shop", "http"),),
    median=(sample(0.00025, "cache", "redis"), sample(0.0123, "shop", "http"), sample(math.nan, "shop", "redis")),
    slow=(sample(0.0011, "cache", "redis"), sample(2.5, "shop", "http")),
    cpu=(sample(0.5, "shop"), sample(0.001, "idle")),
    memory=(sample(64 << 20, "shop"), sample(3 << 30, "cache"), sample(512, "idle")),
)


def test_the_summary_tells_each_service_and_protocol_the_busiest_first() -> None:
    assert lines(ANSWERS, 100, 20) == [
        "SERVICE      PROTOCOL      REQ/S   ERR %      P50      P99   CPU %   MEMORY",
        "shop         http          1.25k     1.0   12.3ms     2.5s    50.0    64MiB",
        "cache        redis             2     0.0    250us    1.1ms       -     3GiB",
        "shop         redis             0       -        -        -    50.0    64MiB",
        "idle         -                 -       -        -        -     0.1     512B",
    ]


def test_alerts_and_missing_permissions_come_first() -> None:
    found = Answers(
        memory=(sample(1, "a"),),
        missing=(Sample({"capability": "capture"}, 0), Sample({"capability": "bpf"}, 0)),
        firing=(Firing("LarimarServiceAnomaly", "critical", "shop fails"),),
    )
    assert lines(found, 100, 20)[:2] == [
        "FIRING critical: LarimarServiceAnomaly: shop fails",
        "not permitted: bpf, capture; the exporter's log says how to permit it",
    ]


def test_before_anything_is_known_it_says_so() -> None:
    assert lines(Answers(), 80, 24) == ["no services yet"]


def test_what_does_not_fit_is_counted() -> None:
    many = Answers(memory=tuple(sample(i, f"service-{i:02}") for i in range(30)))
    shown = lines(many, 80, 10)
    assert len(shown) == 10
    assert shown[-1] == "… and 22 more"


def test_a_name_cannot_command_the_terminal() -> None:
    shown = lines(Answers(memory=(sample(1, "evil\x1b[2J\n\u202ename"),)), 80, 24)
    assert shown[1].startswith("evil?[2J??name")


@given(
    names=st.lists(st.text(max_size=200), max_size=40),
    values=st.floats(),
    width=st.integers(20, 200),
    height=st.integers(1, 60),
    alerts=st.integers(0, 5),
)
def test_the_summary_always_fits(names: list[str], values: float, width: int, height: int, alerts: int) -> None:
    vector = tuple(sample(values, name, name) for name in names)
    firing = tuple(Firing(name, name, name) for name in names[:alerts])
    shown = lines(Answers(vector, vector, vector, vector, vector, vector, vector, firing), width, height)
    assert 1 <= len(shown) <= height
    assert all(len(line) <= width for line in shown)
    assert all(line.isprintable() for line in shown)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(2.0, "2s"), (0.0015, "1.5ms"), (0.00025, "250us"), (0.0, "0us"), (125.0, "125s")]
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_rates_and_sizes() -> None:
    assert [rate(v) for v in (0, 0.25, 12.5, 999.0, 12345.0)] == ["0", "0.25", "12.5", "999", "12.35k"]
    assert [size(v) for v in (0, 1023, 1024, 12.5 * 2**20)] == ["0B", "1023B", "1KiB", "12.5MiB"]


def test_rates_span_at_least_four_scrapes() -> None:
    assert [window(seconds) for seconds in (1, 5, 15)] == ["30s", "30s", "60s"]
    assert all("[60s]" in query for name, query in queries("60s").items() if name not in ("memory", "missing"))


def test_a_service_without_traffic_has_one_row() -> None:
    assert [(row.service, row.protocol) for row in rows(Answers(memory=(sample(1, "idle"),)))] == [("idle", "")]
