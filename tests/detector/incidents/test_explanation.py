import math
from dataclasses import replace
from typing import Any

import pytest

from detector.incidents.amounts import amount
from detector.incidents.background import Background, Change
from detector.incidents.explanation import MAX_OTHERS, annotations, only_service
from detector.incidents.incident import Book, Phase
from detector.incidents.lifecycle import PROMETHEUS, see
from detector.model import Way
from tests.detector.incidents.incidents import NAMED, NOTHING, RULES, after, finding, reading

QUERIES = {name: f"q_{name}" for name in NAMED}


def said(book: Book, at: float = 660.0) -> dict[str, str]:
    (incident,) = book.active()
    return annotations(incident, NAMED, QUERIES, at)


def test_it_says_what_is_seen_what_is_usual_since_when_and_what_to_do() -> None:
    texts = said(after(reading(60.0, [finding("app")])))
    assert texts["summary"] == "app: errors above normal: 5 % of requests, 0.1 % expected"
    assert (texts["observed"], texts["expected"], texts["band"]) == ("5 %", "0.1 %", "0 % to 1 %")
    assert "Since 1970-01-01 00:00:00 UTC (11 min)" in texts["description"]
    assert NAMED["errors"].meaning in texts["description"]
    assert texts["description"].endswith(NAMED["errors"].advice)


def test_silence_is_said_as_such() -> None:
    texts = said(after(reading(60.0, [finding("app", "requests", observed=NOTHING)])))
    assert texts["summary"].startswith("app is silent: requests nothing,")


def test_of_silence_no_range_is_called_normal() -> None:
    texts = said(after(reading(60.0, [finding("app", "processes", observed=NOTHING)])))
    assert "band" not in texts
    assert "is normal" not in texts["description"]


def test_what_changed_together_is_said_together() -> None:
    (incident,) = after(reading(60.0, [finding("app")])).active()
    changes = (Change("app", "image", 0.0), Change("app", "restart", 0.0), Change("db", "config", 60.0))
    texts = annotations(replace(incident, background=Background(60.0, changes)), NAMED, QUERIES, 660.0)
    assert texts["changes"] == (
        "app: another image, restarted at 1970-01-01 00:00:00 UTC; db: changed configuration at 1970-01-01 00:01:00 UTC"
    )
    assert texts["changes"] in texts["description"]


def test_less_than_usual_is_below_and_another_departure_is_mentioned() -> None:
    texts = said(after(reading(60.0, [finding("app", "requests", observed=0.0001), finding("app", "latency")])))
    assert "latency above" in texts["summary"]
    assert "Other signals that depart: app requests" in texts["description"]


def test_who_suffers_is_listed_within_bounds() -> None:
    callers = {f"web-{number:02}": frozenset({"app"}) for number in range(MAX_OTHERS + 3)}
    findings = [finding("app"), *(finding(name) for name in callers)]
    texts = said(after(reading(60.0, findings, callees=callers)))
    assert "web-00 errors 5 % (0.1 % expected)" in texts["contributors"]
    assert texts["contributors"].endswith("and 3 more")


def test_signals_no_longer_known_still_have_a_summary() -> None:
    (incident,) = after(reading(60.0, [finding("app")])).active()
    assert annotations(incident, {}, {}, 660.0) == {"summary": "app departs from its usual behaviour."}


@pytest.mark.parametrize(("name", "word"), [("host-a:1", "exporter at host-a:1"), (PROMETHEUS, "Prometheus")])
def test_lost_sight_says_of_what(name: str, word: str) -> None:
    texts = said(see(Book(), {name: 0.0}, 600.0, RULES))
    assert word in texts["description"]
    assert texts["summary"].startswith("Larimar cannot see")


@pytest.mark.parametrize(
    ("signal", "value", "text"),
    [
        ("latency", 0.0123, "12.3 ms"),
        ("latency", 4.56e-5, "45.6 us"),
        ("latency", 0.0, "0 us"),
        ("memory", 3.0 * 2**30, "3 GiB"),
        ("memory", 12.0, "12 B"),
        ("network", 3.0 * 2**20, "3 MiB per second"),
        ("pressure", 0.25, "25 %"),
        ("errors", 0.0123, "1.23 %"),
        ("errors", 2.46e-7, "0 %"),
        ("memory_exhaustion", 10.4, "1040 %"),
        ("requests", 12345.6, "12346 requests per second"),
        ("requests", math.nan, "nothing"),
        ("requests", math.inf, "any"),
        ("processes", 1.0, "1 process"),
        ("requests", 1.0, "1 request per second"),
        ("requests", 2.0, "2 requests per second"),
    ],
)
def test_amounts_read_as_people_write_them(signal: str, value: float, text: str) -> None:
    assert amount(value, NAMED[signal]) == text


def test_a_hostile_name_cannot_leave_its_quotes() -> None:
    assert only_service("q", 'a"b\\c\nd').count('"a\\"b\\\\c\\nd"') == 1


def test_what_is_expected_is_taken_apart_where_the_hour_matters() -> None:
    busy = replace(finding("app", "requests", observed=40.0), expected=80.0, lower=60.0, upper=100.0, trend=60.0)
    words = said(after(reading(60.0, [busy])))["description"]
    assert "Over the week its level is 60 requests per second, and at this hour 20 requests per second more" in words
    assert "40 requests per second less than that is not explained" in words
    assert "Over the week" not in said(after(reading(60.0, [replace(busy, trend=79.0)])))["description"]


def departing(signal: str, **how: Any) -> dict[str, str]:
    return said(after(reading(60.0, [replace(finding("app", signal), **how)])))


def test_of_what_lasts_no_single_value_is_called_unusual() -> None:
    texts = departing("memory", observed=4.4e9, expected=3.9e9, lower=2.6e9, upper=5.8e9)
    assert "2.42 GiB to 5.4 GiB is normal for a moment, but not for this long" in texts["description"]
    assert "is normal at this hour" not in texts["description"]


def test_no_share_is_more_than_all() -> None:
    assert departing("errors", upper=3.0, observed=0.4)["band"] == "0 % to 100 %"


@pytest.mark.parametrize(
    ("way", "summary", "description"),
    [
        (Way.RESTLESS, "app: latency less steady than normal: 50 ms now, 1 ms expected", "up and down far more than"),
        (Way.STILL, "app: latency stands still at 50 ms", "50 ms, the same again and again"),
        (Way.ENDLESS, "app: latency goes on for longer than ever: 50 ms", "longer than it ever did before"),
        (Way.LATE, "app: latency has not begun when it always has by now: 50 ms", "of each day has not begun"),
    ],
)
def test_other_ways_to_depart_are_told_as_such(way: Way, summary: str, description: str) -> None:
    texts = departing("latency", way=way, trend=0.04)
    assert texts["summary"] == summary
    assert description in texts["description"]
    assert not {"band"} & texts.keys()
    assert "is normal at this hour (" not in texts["description"] or way is Way.RESTLESS
    assert "Over the week" not in texts["description"]


def test_when_a_limit_is_reached_is_said_first() -> None:
    (incident,) = after(reading(60.0, [finding("app", "memory")])).active()
    texts = annotations(replace(incident, background=Background(60.0, (), 7260.0)), NAMED, QUERIES, 660.0)
    assert texts["summary"].endswith("expected; at this pace the limit is reached at 1970-01-01 02:01:00 UTC")
    over = replace(incident, background=Background(60.0, (), 7260.0), phase=Phase.RECOVERING)
    assert "limit is reached" not in "".join(annotations(over, NAMED, QUERIES, 660.0).values())


def test_what_is_held_though_it_departs_no_more_is_returning_to_normal() -> None:
    texts = departing("latency", way=Way.RESTLESS, score=0.7, observed=0.002)
    assert texts["summary"] == "app: latency returning to normal: 2 ms, 1 ms expected"
    assert "2 ms, where 1 ms is expected and 0 us to 10 ms is normal at this hour" in texts["description"]


def test_what_is_over_is_not_called_abnormal() -> None:
    calm = replace(finding("app", observed=0.002), score=0.5)
    (incident,) = after(reading(60.0, [calm])).active()
    texts = annotations(replace(incident, phase=Phase.RECOVERING, phase_at=600.0), NAMED, QUERIES, 660.0)
    assert texts["summary"] == "app: errors no longer abnormal"
    assert "0.2 % of requests, where 0.1 % is expected and 0 % to 1 % is normal at this hour" in texts["description"]
    assert "Back to normal since 1970-01-01 00:10:00 UTC." in texts["description"]
