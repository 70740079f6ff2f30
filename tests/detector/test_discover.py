from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from detector.app import foreign
from detector.discover import MOST_SIGNALS, discovered, with_foreign
from detector.model import Bad, Kind, Signal
from detector.signals import SHIPPED, load
from tests.detector.running import settings
from tests.detector.servers import FakePrometheus, Mood


@dataclass(slots=True)
class Waiting:
    """A clock on which something happens at the first wait; it stops at the third."""

    happens: Callable[[], None]
    waits: int = 0

    def now(self) -> float:
        return 60.0 * self.waits

    def wait_until(self, at: float) -> bool:
        assert at > self.now()
        self.happens()
        self.waits += 1
        return self.waits < 3


def by_name(types: dict[str, str], pattern: str = ".+") -> dict[str, Signal]:
    return {signal.name: signal for signal in discovered(types, pattern)}


def test_a_counter_is_watched_as_a_rate_by_service_or_job() -> None:
    signal = by_name({"orders_total": "counter"})["orders_total"]
    assert signal.kind is Kind.RATE
    assert signal.query == (
        'sum by (service_name) (rate({__name__="orders_total",service_name!=""}[$window]) or label_replace('
        'rate({__name__="orders_total",service_name=""}[$window]), "service_name", "$1", "job", "(.+)"))'
    )


def test_a_counter_of_openmetrics_is_found_by_its_samples_name() -> None:
    assert '__name__=~"orders(_total)?"' in by_name({"orders": "counter"})["orders"].query


def test_a_histogram_is_watched_by_its_tail_and_its_rate() -> None:
    signals = by_name({"http_request_duration_seconds": "histogram", "size_bytes": "histogram"})
    assert signals["http_request_duration_seconds_p95"].kind is Kind.DURATION
    assert signals["http_request_duration_seconds_p95"].bad is Bad.UP
    assert signals["http_request_duration_seconds_rate"].kind is Kind.RATE
    assert signals["size_bytes_p95"].unit == "bytes"


def test_summaries_and_gauges_have_means_and_levels() -> None:
    signals = by_name({"wait_seconds": "summary", "queue_length": "gauge", "full_ratio": "gauge"})
    assert signals["wait_seconds_mean"].kind is Kind.DURATION
    assert signals["queue_length"].kind is Kind.GAUGE
    assert signals["full_ratio"].kind is Kind.BOUNDED


def test_only_more_of_what_harms_is_bad() -> None:
    assert by_name({"failed_logins_total": "counter"})["failed_logins_total"].bad is Bad.UP
    assert by_name({"logins_total": "counter"})["logins_total"].bad is Bad.BOTH


@pytest.mark.parametrize("name", ["build_info", "process_start_time_seconds", "go_goroutines", "x_created", 'bad"name'])
def test_what_tells_nothing_is_left_out(name: str) -> None:
    assert by_name({name: "gauge"}) == {}


def test_other_types_and_other_names_are_left_out() -> None:
    assert by_name({"a": "unknown", "b": "info", "http_x": "gauge", "nginx_http_x": "gauge"}, "http_.*").keys() == {
        "http_x"
    }


def test_there_is_an_end_to_it() -> None:
    assert len(discovered({f"metric_{number}": "gauge" for number in range(2 * MOST_SIGNALS)}, ".+")) == MOST_SIGNALS


def test_what_somebody_described_stays() -> None:
    described = load((SHIPPED,))
    foreign = discovered({described[0].name: "gauge", "other": "gauge"}, ".+")
    assert with_foreign(described, foreign) == (*described, foreign[1])


def test_a_prometheus_that_is_not_there_yet_is_waited_for(prometheus: FakePrometheus, tmp_path: Path) -> None:
    prometheus.types, prometheus.mood = {"queue_length": "gauge"}, Mood.ERROR
    config = replace(settings(prometheus, tmp_path), discover=".+")
    clock = Waiting(lambda: setattr(prometheus, "mood", Mood.WELL))
    assert [signal.name for signal in foreign(config, clock)] == ["queue_length"]
    assert clock.waits == 1


@pytest.mark.parametrize("mood", [Mood.ERROR, Mood.NONSENSE, Mood.HTML, Mood.HANG_UP])
def test_waiting_ends_when_the_detector_is_to_end(prometheus: FakePrometheus, tmp_path: Path, mood: Mood) -> None:
    prometheus.mood = mood
    clock = Waiting(lambda: None)
    assert foreign(replace(settings(prometheus, tmp_path), discover=".+"), clock) == ()
    assert clock.waits == 3


def test_nothing_is_asked_for_that_nobody_wants(prometheus: FakePrometheus, tmp_path: Path) -> None:
    prometheus.mood = Mood.ERROR
    assert foreign(settings(prometheus, tmp_path), Waiting(lambda: None)) == ()


def test_that_some_metrics_are_left_out_is_said(
    prometheus: FakePrometheus, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    prometheus.types = {f"metric_{number}": "gauge" for number in range(2 * MOST_SIGNALS)}
    assert len(foreign(replace(settings(prometheus, tmp_path), discover=".+"), Waiting(lambda: None))) == MOST_SIGNALS
    assert "further metrics are not watched" in caplog.messages
