"""What a real Alertmanager lists of the silences people make."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from detector.clients import alertmanager as client
from detector.clients.endpoint import Credentials, Endpoint
from detector.incidents.feedback import heard, tolerance
from detector.model import SeriesKey
from quickstart.debian import Tree
from tests.live.exporter import Exporter
from tests.live.support.processes import free_port
from tests.live.support.stack import alertmanager, detector, prometheus
from tests.live.support.waiting import until

KEYS = (SeriesKey("app", "latency"), SeriesKey("web", "latency"), SeriesKey("web", "errors"))


def silence(url: str, comment: str, **expressions: str) -> str:
    now = datetime.now(UTC)
    answer = requests.post(
        f"{url}/api/v2/silences",
        json={
            "matchers": [
                {"name": name, "value": value, "isRegex": "|" in value, "isEqual": True}
                for name, value in expressions.items()
            ],
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(hours=1)).isoformat(),
            "createdBy": "a person",
            "comment": comment,
        },
        timeout=10,
    )
    answer.raise_for_status()
    return str(answer.json()["silenceID"])


def test_false_alarms_are_heard_in_force_and_over(tree: Tree, tmp_path: Path) -> None:
    with alertmanager(tree, tmp_path) as running:
        silence(running.url, "maintenance", service_name="app")
        silence(running.url, "larimar: false", service_name="app|web", signal="latency")
        over = silence(running.url, "larimar: false", service_name="web", signal="errors")
        requests.delete(f"{running.url}/api/v2/silence/{over}", timeout=10).raise_for_status()
        listed = client.Alertmanager(Endpoint(running.url, Credentials(), 10.0, 1 << 20)).silences()
    feedback = heard({}, listed, datetime.now(UTC).timestamp())
    assert len(listed) == 3
    assert tolerance(feedback, KEYS).tolist() == [1.5, 1.5, 1.5]


TOLERANT = 'larimar_detector_tolerance_ratio{server="",service_name="app",signal="latency"} 1.5'
FLAGS = (
    *("--evaluation.interval=2s", "--query.window=10s", "--history.duration=600s", "--history.step=60s"),
    "--fit.workers=1",
)
HEARD_SECONDS = 150  # silences are asked for each minute


def say_otherwise(url: str, name: str, comment: str) -> None:
    """Change a silence's comment, as Alertmanager's page does."""
    known = requests.get(f"{url}/api/v2/silence/{name}", timeout=10).json()
    changed = {key: known[key] for key in ("id", "matchers", "startsAt", "endsAt", "createdBy")} | {"comment": comment}
    requests.post(f"{url}/api/v2/silences", json=changed, timeout=10).raise_for_status()


@pytest.mark.long
def test_a_running_detector_heeds_what_people_say_and_what_they_take_back(tree: Tree, tmp_path: Path) -> None:
    with Exporter({"app": 20.0}).serving() as exporter:
        targets = {"larimar": [exporter.url.partition("//")[2]]}
        with (
            prometheus(tree, tmp_path, targets, 1.0) as metrics,
            alertmanager(tree, tmp_path) as notified,
            detector(tmp_path, free_port(), metrics.url, notified.url, *FLAGS) as watching,
        ):
            said = silence(notified.url, "the nightly backup. larimar: false", service_name="app", signal="latency")
            until(lambda: TOLERANT in watching.page(), HEARD_SECONDS, "the silence was not heard")
            say_otherwise(notified.url, said, "it was real")
            until(lambda: TOLERANT not in watching.page(), HEARD_SECONDS, "it was not taken back")
