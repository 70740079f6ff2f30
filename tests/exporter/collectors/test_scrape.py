from collections.abc import Callable, Iterable, Iterator
from itertools import count

from prometheus_client import CollectorRegistry, generate_latest

from exporter.collectors.scrape import NamedCollector, Scrape
from toolkit.families import Family, gauge, histogram


def healthy() -> Iterator[Family]:
    family = gauge("larimar_flows_active", "Flows.", labels=("kind",))
    family.add(("a",), 1)
    family.add(("b",), 2)
    yield family


def failing() -> Iterator[Family]:
    yield from healthy()
    raise OSError("no such table")


def run(name: str, families: Callable[[], Iterable[Family]]) -> tuple[Family, ...] | None:
    try:
        return tuple(families())
    except OSError:
        return None


def page(*collectors: NamedCollector, limit: int = 20_000) -> list[str]:
    clock = count()
    registry = CollectorRegistry()
    registry.register(Scrape(collectors, run, lambda: float(next(clock)), limit))
    return generate_latest(registry).decode().splitlines()


def test_every_collector_tells_its_success_and_its_duration() -> None:
    lines = page(NamedCollector("flows", healthy))
    assert 'larimar_scrape_collector_success{collector="flows"} 1.0' in lines
    assert 'larimar_scrape_collector_duration_seconds{collector="flows"} 1.0' in lines


def test_a_failing_collector_leaves_the_others_and_nothing_half_done() -> None:
    lines = page(NamedCollector("broken", failing), NamedCollector("flows", healthy))
    assert 'larimar_scrape_collector_success{collector="broken"} 0.0' in lines
    assert 'larimar_scrape_collector_success{collector="flows"} 1.0' in lines
    assert [line for line in lines if line.startswith("larimar_flows_active")] == [
        'larimar_flows_active{kind="a"} 1.0',
        'larimar_flows_active{kind="b"} 2.0',
    ]


def test_the_page_counts_its_series() -> None:
    lines = page(NamedCollector("flows", healthy))
    assert "larimar_series 2.0" in lines
    assert "larimar_series_limit 20000.0" in lines
    assert "larimar_series_omitted 0.0" in lines


def timed() -> Iterator[Family]:
    family = histogram("larimar_request_duration_seconds", "Durations.", ("service_name",), ("1.0", "+Inf"))
    for service in ("shop", "till", "cart"):
        family.add_histogram((service,), (1, 1), 3.0)
    yield family


def test_series_beyond_the_limit_are_left_out_and_told_but_no_histogram_is_cut() -> None:
    lines = page(
        NamedCollector("flows", healthy), NamedCollector("timed", timed), NamedCollector("late", timed), limit=11
    )
    assert {line.split('service_name="')[1][:4] for line in lines if "service_name" in line} == {"shop", "till"}
    assert sum("service_name" in line for line in lines) == 8
    assert "larimar_series 10.0" in lines
    assert "larimar_series_limit 11.0" in lines
    assert "larimar_series_omitted 16.0" in lines
