"""What a real Alertmanager lists of the silences people make."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from detector.clients import alertmanager as client
from detector.clients.endpoint import Credentials, Endpoint
from detector.incidents.feedback import heard, tolerance
from detector.model import SeriesKey
from quickstart.debian import Tree
from tests.live.support.stack import alertmanager

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
