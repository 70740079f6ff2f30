from pathlib import Path

import pytest

from detector.config import Config, Label
from tests.detector.running import FakeClock, running, settings
from tests.detector.servers import FakePrometheus
from toolkit.settings import SettingsError, load


def read(*argv: str) -> Config:
    return load(Config, argv, {}, "larimar-detector")


def test_defaults_find_prometheus_and_alertmanager_on_this_machine() -> None:
    config = read()
    assert (str(config.listen), config.prometheus_url) == (":10178", "http://127.0.0.1:9090")
    assert config.alertmanager_urls == ("http://127.0.0.1:9093",)


def test_a_file_holds_what_flags_hold(tmp_path: Path) -> None:
    file = tmp_path / "detector.yml"
    file.write_text(
        "evaluation: {interval: 30s}\nalertmanager.url: [http://a:9093, http://b:9093]\nexternal-label: [cluster=eu]\n"
    )
    config = read(f"--config.file={file}", "--query.window=5m")
    assert (config.interval, config.window) == (30.0, 300.0)
    assert config.alertmanager_urls == ("http://a:9093", "http://b:9093")
    assert config.external_labels == (Label("cluster", "eu"),)


@pytest.mark.parametrize(
    ("flag", "complaint"),
    [
        ("--evaluation.interval=0", "evaluation.interval"),
        ("--prometheus.url=http://ann:secret@host:9090", "prometheus.url"),
        ("--external-label=severity=page", "severity"),
        ("--external-label=9x=page", "name=value"),
        ("--history.step=20d", "--history.step: 20d is more than half of --history.duration, 28d"),
        ("--external-label=server=db", "server"),
        ("--log.level=loud", "log.level"),
        ("--web.external-url=detector:10178", "web.external-url"),
        ("--prometheus.external-url=/prometheus", "prometheus.external-url"),
        ("--dashboard.url=grafana/d/larimar", "dashboard.url"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_key(flag: str, complaint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(flag)
    assert complaint in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_folder_that_cannot_be_used_ends_the_start_by_its_key(
    tmp_path: Path, prometheus: FakePrometheus, clock: FakeClock, name: str
) -> None:
    (tmp_path / "file").write_text("")
    config = settings(prometheus, tmp_path / name)
    with pytest.raises(OSError, match=f"--storage.path: {config.storage}: "), running(config, clock):
        pass
