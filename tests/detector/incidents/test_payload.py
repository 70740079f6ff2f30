import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from detector.incidents.incident import Book, Incident
from detector.incidents.lifecycle import PROMETHEUS, see
from detector.incidents.links import Places
from detector.incidents.payload import Sender, encode
from tests.detector.incidents.incidents import NAMED, RULES, after, finding, reading

PLACES = Places("http://prometheus:9090", "http://larimar:10178", "docs/runbooks.md", "http://grafana/d/larimar")
SENDER = Sender(NAMED, {name: f"q_{name}" for name in NAMED}, {"cluster": "eu"}, PLACES, 60.0, 900.0)
NOW = 6000.0


def firing(service: str = "app") -> Book:
    return after(reading(60.0, [finding(service)]))


def sent(book: Book, sender: Sender = SENDER, now: float = NOW, known: float = NOW) -> list[dict[str, Any]]:
    """What is posted; the end of each incident has been known since `known`."""
    ended = {incident.identity: known for incident in book.resolved}
    return list(json.loads(encode(sender.alerts(book, ended, now))))


def ended(incident: Incident) -> Book:
    return Book(resolved=(replace(incident, phase_at=300.0),))


def test_labels_are_the_identity_and_nothing_that_changes() -> None:
    (alert,) = sent(firing())
    assert alert["labels"] == {
        "alertname": "LarimarServiceAnomaly",
        "severity": "critical",
        "service_name": "app",
        "signal": "errors",
        "cluster": "eu",
    }


def test_an_external_label_never_replaces_an_alerts_own() -> None:
    (alert,) = sent(firing(), replace(SENDER, external_labels={"signal": "x"}))
    assert alert["labels"]["signal"] == "errors"


def test_a_firing_alert_ends_four_rounds_from_now_unless_sent_again() -> None:
    (alert,) = sent(firing())
    assert (alert["startsAt"], alert["endsAt"]) == ("1970-01-01T00:00:00.000Z", "1970-01-01T01:44:00.000Z")


def test_the_end_is_told_for_its_time_and_then_no_more() -> None:
    book = ended(firing().services["app"])
    (alert,) = sent(book, known=NOW - 900.0)
    assert alert["endsAt"] == "1970-01-01T00:05:00.000Z"
    assert sent(book, known=NOW - 901.0) == []


def test_the_end_of_what_fires_again_is_not_told() -> None:
    book = firing()
    again = replace(book, resolved=ended(book.services["app"]).resolved)
    assert [alert["endsAt"] for alert in sent(again)] == ["1970-01-01T01:44:00.000Z"]


def test_an_alert_never_ends_before_it_began() -> None:
    late = replace(firing().services["app"], starts_at=400.0)
    (alert,) = sent(ended(late))
    assert alert["endsAt"] == alert["startsAt"]


def test_two_detectors_send_the_same_bytes() -> None:
    books = (after(reading(60.0, [finding(a), finding(b)])) for a, b in (("x", "y"), ("y", "x")))
    first, second = (encode(SENDER.alerts(book, {}, NOW)) for book in books)
    assert first == second


def test_links_lead_to_the_numbers_the_dashboard_and_the_runbook() -> None:
    (alert,) = sent(firing("front end"))
    graph = urlsplit(alert["generatorURL"])
    assert (graph.netloc, graph.path) == ("prometheus:9090", "/graph")
    assert '"front end"' in parse_qs(graph.query)["g0.expr"][0]
    assert alert["annotations"]["runbook_url"] == "docs/runbooks.md#larimarserviceanomaly"
    dashboard = urlsplit(alert["annotations"]["dashboard_url"])
    assert dashboard.path == "/d/larimar"
    assert parse_qs(dashboard.query) == {"var-service_name": ["front end"], "from": ["-3600000"], "to": ["now"]}


def test_without_a_dashboard_there_is_no_link_to_one() -> None:
    (alert,) = sent(firing(), replace(SENDER, places=replace(PLACES, dashboard="")))
    assert "dashboard_url" not in alert["annotations"]


def test_a_prometheus_that_does_not_answer_is_not_where_an_alert_leads() -> None:
    book = see(Book(), {PROMETHEUS: 0.0}, 600.0, RULES)
    (alert,) = sent(book)
    assert alert["generatorURL"] == "http://larimar:10178/-/ready"
    (nowhere,) = sent(book, replace(SENDER, places=replace(PLACES, detector="")))
    assert nowhere["generatorURL"].startswith("http://prometheus:9090/graph?")


def test_no_annotation_is_empty() -> None:
    book = after(reading(60.0, [finding("app"), finding("web")], callees={"web": frozenset({"app"})}))
    (alert,) = sent(book)
    assert all(alert["annotations"].values())
    assert alert["annotations"]["probable_cause"] == "app errors 5 % (0.1 % expected)"
