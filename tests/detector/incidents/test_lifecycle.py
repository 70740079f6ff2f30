from dataclasses import replace

import pytest

from detector.incidents.incident import Book, Phase
from detector.incidents.lifecycle import PROMETHEUS, see
from detector.model import SeriesKey, Severity
from tests.detector.incidents.incidents import NOTHING, RULES, after, finding, reading

APP = SeriesKey("app", "errors")
CHAIN = {"web": frozenset({"app"})}


def firing(at: float = 60.0) -> Book:
    return after(reading(at, [finding("app", since=at - 60, at=at)]))


def test_a_finding_opens_an_incident_from_when_it_began() -> None:
    incident = firing().services["app"]
    assert (incident.starts_at, incident.phase) == (0.0, Phase.FIRING)
    assert (incident.identity.alertname, incident.identity.signal) == ("LarimarServiceAnomaly", "errors")


def test_its_name_and_start_stay_whatever_departs_later() -> None:
    book = after(reading(60.0, [finding("app", "latency", observed=9.0)]))
    later = after(reading(120.0, [finding("app", "errors"), finding("app", "latency", observed=9.0)]), book=book)
    assert later.services["app"].identity == book.services["app"].identity
    assert later.services["app"].starts_at == book.services["app"].starts_at
    assert [one.key.signal for one in later.services["app"].findings] == ["latency", "errors"]


def test_silence_is_critical_and_has_its_own_name() -> None:
    incident = after(reading(60.0, [finding("app", "requests", observed=NOTHING)])).services["app"]
    assert incident.identity.alertname == "LarimarServiceSilent"
    assert incident.identity.severity is Severity.CRITICAL


def test_it_is_resolved_only_after_the_recovery_time() -> None:
    book = after(reading(120.0, calm=[APP]), reading(180.0, calm=[APP]), book=firing())
    assert book.services["app"].phase is Phase.RECOVERING
    book = after(reading(240.0, calm=[APP]), book=book)
    assert not book.services
    assert [(one.phase, one.phase_at) for one in book.resolved] == [(Phase.RESOLVED, 240.0)]


def test_it_fires_on_if_it_comes_back_while_recovering() -> None:
    back = finding("app", since=180.0, at=180.0)
    book = after(reading(120.0, calm=[APP]), reading(180.0, [back]), book=firing())
    assert (book.services["app"].phase, book.services["app"].starts_at) == (Phase.FIRING, 0.0)
    assert not book.resolved


def test_what_cannot_be_seen_changes_nothing() -> None:
    book = firing()
    later = after(*(reading(60.0 * minute, hidden=["app"]) for minute in range(2, 60)), book=book)
    assert later.services == book.services


def test_what_gives_no_samples_for_long_is_resolved() -> None:
    minutes = int(RULES.forget / 60)
    book = after(*(reading(60.0 * minute) for minute in range(2, minutes + 1)), book=firing())
    assert "app" in book.services
    assert not after(reading(60.0 * (minutes + 1)), book=book).services


def test_a_service_silent_for_a_day_is_taken_for_gone() -> None:
    gone = finding("app", "requests", since=0.0, at=RULES.retire, observed=NOTHING)
    assert not after(reading(RULES.retire, [gone])).services


def test_each_return_within_the_hour_doubles_the_time_to_recover() -> None:
    book, at, waits = firing(), 60.0, []
    for _ in range(3):
        began = at
        while book.services:
            at += 60.0
            book = after(reading(at, calm=[APP]), book=book)
        waits.append(at - began - 60.0)
        at += 60.0
        book = after(reading(at, [finding("app", since=at, at=at)]), book=book)
    assert waits == [120.0, 240.0, 480.0]


def test_a_return_that_the_longer_hold_bridged_is_counted_as_spared() -> None:
    book = replace(firing(), services={"app": replace(firing().services["app"], reopened=2)})
    calm = [reading(60.0 * minute, calm=[APP]) for minute in range(2, 7)]
    book = after(*calm, reading(420.0, [finding("app", since=420.0, at=420.0)]), book=book)
    assert book.flaps == 1
    assert book.services["app"].starts_at == 0.0


def test_callers_suffer_in_their_callees_incident() -> None:
    book = after(reading(60.0, [finding("app"), finding("web")], callees=CHAIN))
    assert list(book.services) == ["app"]
    assert [one.key.service_name for one in book.services["app"].affected] == ["web"]


def test_a_caller_waits_for_a_suspected_callee_but_not_for_ever() -> None:
    web = [finding("web")]
    book = after(reading(60.0, web, suspects=["app"], callees=CHAIN))
    assert not book.services
    assert book.waiting == {"web": 60.0}
    book = after(*(reading(at, web, suspects=["app"], callees=CHAIN) for at in (120.0, 180.0)), book=book)
    assert list(book.services) == ["web"]
    assert not book.waiting


def test_a_told_incident_is_never_taken_into_another() -> None:
    book = after(reading(60.0, [finding("web")]))
    book = after(reading(120.0, [finding("web"), finding("app")], callees=CHAIN), book=book)
    assert "web" in book.services
    assert not any(one.key.service_name == "web" for one in book.services.get("app", book.services["web"]).affected)


def test_signals_that_are_no_longer_watched_break_nothing() -> None:
    book = after(reading(60.0, [finding("web")]))
    old = replace(book.services["web"], findings=(replace(finding("web"), key=SeriesKey("web", "of_old")),))
    later = after(reading(120.0, [finding("app")], callees=CHAIN), book=replace(book, services={"web": old}))
    assert set(later.services) == {"web", "app"}


def test_ended_incidents_are_forgotten_in_the_end() -> None:
    book = after(*(reading(60.0 * minute, calm=[APP]) for minute in range(2, 6)), book=firing())
    assert len(book.resolved) == 1
    assert not after(reading(60.0 * 6 + max(RULES.tell, RULES.flapping)), book=book).resolved


@pytest.mark.parametrize(("name", "labels"), [("host-a:1", ("exporter", "host-a:1")), (PROMETHEUS, ("prometheus", ""))])
def test_lost_sight_is_told_after_five_minutes_and_resolved_at_once(name: str, labels: tuple[str, str]) -> None:
    assert not see(Book(), {name: 0.0}, RULES.blind - 1, RULES).sights
    book = see(Book(), {name: 0.0}, RULES.blind, RULES)
    (incident,) = book.active()
    assert (incident.identity.signal, incident.identity.instance) == labels
    assert incident.starts_at == 0.0
    ended = see(book, {}, 600.0, RULES)
    assert not ended.active()
    assert [one.phase_at for one in ended.resolved] == [600.0]


def test_looked_at_seldom_one_failed_scrape_is_no_lost_sight() -> None:
    seldom = replace(RULES, interval=300.0)
    assert not see(Book(), {"host": 0.0}, 300.0, seldom).sights
    assert see(Book(), {"host": 0.0}, 600.0, seldom).sights


@pytest.mark.parametrize(("since", "told"), [(180.0, {"app", "web"}), (100.0, {"web"})], ids=["later", "before"])
def test_what_begins_once_another_incident_is_over_has_one_of_its_own(since: float, told: set[str]) -> None:
    web = SeriesKey("web", "errors")
    book = after(reading(60.0, [finding("web", at=60.0)], callees=CHAIN))
    book = after(reading(120.0, calm=[web], callees=CHAIN), book=book)
    assert book.services["web"].phase is Phase.RECOVERING
    late = finding("app", since=since, at=180.0)
    book = after(reading(180.0, [late], calm=[web], callees=CHAIN), book=book)
    assert book.services.keys() == told
