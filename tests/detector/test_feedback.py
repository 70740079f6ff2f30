"""A person says that an alert was false, in a silence's comment."""

from pathlib import Path
from typing import Any

from prometheus_client import generate_latest

from tests.detector.running import FAULT, HOUR, MINUTE, FakeClock, Run, running, settings
from tests.detector.servers import FakeAlertmanager, FakePrometheus, named
from tests.detector.world import Fault, World, scaled


def false_alarm(labels: dict[str, str], number: int, comment: str = "backup. larimar: false") -> dict[str, Any]:
    matchers = [{"name": name, "value": value, "isRegex": False, "isEqual": True} for name, value in labels.items()]
    return {"id": str(number), "updatedAt": "2025-06-15T12:40:00.000Z", "comment": comment, "matchers": matchers}


def test_what_was_called_false_does_not_alert_again_until_it_is_taken_back(
    world: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager, clock: FakeClock, run: Run, folder: Path
) -> None:
    times = [FAULT + number * HOUR for number in range(4)]
    world.faults += [Fault("web", "requests", at, at + 10 * MINUTE, scaled(2.2)) for at in times]
    run.until(times[0] + 30 * MINUTE)
    first = alertmanager.episodes()
    assert named(first) == [("LarimarServiceAnomaly", "web", "requests")]
    alertmanager.silences = [false_alarm(first[0].labels, number) for number in range(3)]
    run.until(times[1] + 30 * MINUTE)
    assert len(alertmanager.episodes()) == 1
    page = generate_latest(run.app.metrics.registry).decode()
    assert 'larimar_detector_tolerance_ratio{server="",service_name="web",signal="requests"} 3.375' in page
    alertmanager.silences = []  # Alertmanager forgets them; a restarted detector does not
    run.app.detector.close()
    with running(settings(prometheus, folder, alertmanager), clock) as later:
        later.until(times[2] + 30 * MINUTE)
        assert len(alertmanager.episodes()) == 1
        alertmanager.silences = [false_alarm(first[0].labels, number, "it was real") for number in range(3)]
        later.until(times[3] + 30 * MINUTE)
    assert named(alertmanager.episodes()) == 2 * [("LarimarServiceAnomaly", "web", "requests")]
