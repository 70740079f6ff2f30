"""Three faults in three real services: one alert each, soon, and none without a fault."""

import json
from collections.abc import Iterator

import pytest

from grafana.__main__ import dashboards
from grafana.queries import asked
from quickstart.debian import Tree
from tests.contract.exposition import families, golden
from tests.live.support import stack
from tests.live.support.waiting import until
from tests.live.support.watched import (
    INTERVAL_SECONDS,
    USUAL_WORK_SECONDS,
    Scene,
    break_pages,
    make_work,
    watched,
)

pytestmark = [pytest.mark.timeout(600), pytest.mark.patient, pytest.mark.usefixtures("capturing")]

CALM_EVALUATIONS = 6
NOTICED_EVALUATIONS = 3
# Counted in the detector's own evaluations: on a machine full of other tests they start late.
NOTICED_SECONDS = 2 * NOTICED_EVALUATIONS * INTERVAL_SECONDS
RECOVERY_SECONDS = 150
LOOKED_AT_SECONDS = 60
SLOWER_SECONDS = 0.3


@pytest.fixture(scope="module")
def scene(tree: Tree, capturing: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with watched(tree, tmp_path_factory.mktemp("detection")) as scene:
        until(lambda: scene.knows("ready"), 180, lambda: f"nothing was learnt:\n{scene.detector.child.tail()}")
        yield scene


def test_usual_life_leads_to_no_alert(scene: Scene) -> None:
    for firing in scene.through(CALM_EVALUATIONS):
        assert firing == {}


def test_every_dashboard_query_returns_data(scene: Scene) -> None:
    values = {"job": ".+", "instance": ".+", "service_name": ".+", "__rate_interval": "30s"}
    queries = [query for text in dashboards().values() for query in asked(json.loads(text))]
    # There is no broker here: NATS and Mosquitto have tests of their own. What is usual of a service is known after ten
    # minutes: until then nothing is unlike itself. And a system that is left alone does not change.
    later = ("larimar_messages_total", "larimar_service_fingerprint_distance", "larimar_service_changes_total")
    queries = [query for query in queries if not any(metric in query.expression for metric in later)]
    assert len(queries) > 40

    def silent() -> list[str]:
        return [query.expression for query in queries if not scene.prometheus.query(query.filled(values))]

    until(lambda: not silent(), LOOKED_AT_SECONDS, lambda: f"no data for {silent()}")


def test_every_rule_works_and_records_something(scene: Scene) -> None:
    rules = scene.prometheus.rules()
    assert [rule for rule in rules if rule["health"] != "ok"] == []
    recorded = [rule["name"] for rule in rules if rule["type"] == "recording"]
    assert recorded
    assert [name for name in recorded if not scene.prometheus.query(name)] == []
    firing = [rule["name"] for rule in rules if rule["type"] == "alerting" and rule["state"] == "firing"]
    assert firing == []


def test_the_detectors_page_is_what_the_golden_exposition_says(scene: Scene) -> None:
    expected = {name: family for name, family in golden().items() if name.startswith("larimar_detector_")}
    seen = families(scene.detector.page())
    assert seen.keys() == expected.keys()
    for name, family in seen.items():
        assert family.kind == expected[name].kind, name
        assert family.labels <= expected[name].labels, name


def test_each_fault_leads_to_one_alert_that_outlives_the_detector_and_ends_with_the_fault(scene: Scene) -> None:
    redis, postgresql, nginx = (scene.names[server] for server in ("redis", "postgresql", "nginx"))

    done = scene.evaluations()
    until(lambda: scene.evaluations() > done, 2 * INTERVAL_SECONDS, "no evaluation was done")
    scene.redis.child.end()
    make_work(scene.postgresql, USUAL_WORK_SECONDS + SLOWER_SECONDS)
    break_pages(scene.nginx, True)
    last = scene.evaluations() + NOTICED_EVALUATIONS
    until(lambda: len(scene.firing()) == 3 or scene.evaluations() >= last, NOTICED_SECONDS, "no evaluations were done")
    firing = scene.firing()
    assert firing.keys() == {redis, postgresql, nginx}
    assert firing[redis]["labels"]["signal"] in ("processes", "requests")
    assert firing[postgresql]["labels"]["signal"] == "latency"
    assert firing[nginx]["labels"]["signal"] == "errors"
    for alert in firing.values():
        assert alert["annotations"]["observed"]
        assert alert["annotations"]["expected"]
        assert alert["annotations"]["runbook_url"]

    stack.kill(scene.detector)
    scene.detector.child.start()
    for still in scene.through(3):
        assert {name: alert["startsAt"] for name, alert in still.items()} == {
            name: alert["startsAt"] for name, alert in firing.items()
        }

    scene.redis.child.start()
    make_work(scene.postgresql, USUAL_WORK_SECONDS)
    break_pages(scene.nginx, False)
    until(lambda: not scene.firing(), RECOVERY_SECONDS, lambda: f"{scene.firing()} still fire")
