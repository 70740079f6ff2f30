"""What a real Prometheus says of the metrics of a real Alertmanager becomes signals that it can answer."""

import time
from pathlib import Path

from detector.clients.endpoint import Credentials, Endpoint
from detector.clients.prometheus import Prometheus
from detector.discover import discovered
from detector.model import Signal
from detector.signals import with_window
from quickstart.debian import Tree
from tests.live.support.stack import alertmanager, prometheus
from tests.live.support.waiting import until


def test_each_discovered_signal_is_one_series_of_each_job(tree: Tree, tmp_path: Path) -> None:
    with (
        alertmanager(tree, tmp_path) as target,
        prometheus(tree, tmp_path, {"pager": [target.url.partition("//")[2]]}, 1.0) as running,
    ):
        client = Prometheus(Endpoint(running.url, Credentials(), 10.0, 1 << 24), lambda _: None, lambda _: None)
        signals = until(lambda: discovered(client.metadata(), "alertmanager_.+"), 30, "metadata")
        rates = "rate(alertmanager_notifications_total[20s])"
        until(lambda: client.query(rates, time.time()).labels, 30, "two scrapes")
        answers = {signal.name: _services(client, signal) for signal in signals}
    assert len(answers) > 20
    assert all(services in ([], ["pager"]) for services in answers.values())
    assert answers["alertmanager_notifications_total"] == ["pager"]


def _services(client: Prometheus, signal: Signal) -> list[str]:
    return [labels["service_name"] for labels in client.query(with_window(signal.query, 20.0), time.time()).labels]
