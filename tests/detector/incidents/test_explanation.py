import math
from dataclasses import replace

import pytest

from detector.incidents.background import Background, Change
from detector.incidents.explanation import MAX_OTHERS, amount, annotations, only_service
from detector.incidents.incident import Book
from detector.incidents.lifecycle import PROMETHEUS, see
from tests.detector.incidents.incidents import NAMED, NOTHING, RULES, after, finding, reading

QUERIES = {name: f"q_{name}" for name in NAMED}


def said(book: Book, at: float = 660.0) -> dict[str, str]:
    (incident,) = book.active()
    return annotations(incident, NAMED, QUERIES, at)


def test_it_says_what_is_seen_what_is_usual_since_when_and_what_to_do() -> None:
    texts = said(after(reading(60.0, [finding("app")])))
    assert texts["summary"] == "app: errors above normal: 5 %, 0.1 % expected"
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
        ("errors", 0.0123, "1.23 %"),
        ("errors", 2.46e-7, "0 %"),
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
