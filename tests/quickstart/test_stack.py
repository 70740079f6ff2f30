"""What is started, with which files."""

import json
from pathlib import Path

import pytest

from quickstart.config import Config
from quickstart.stack import files, programs
from toolkit.settings import SettingsError, load

DATA = Path("/data \"odd' folder")


def test_every_program_listens_on_loopback_only() -> None:
    stack = programs(Config(), DATA, "python", Path("prometheus"), Path("alertmanager"))
    assert [(program.name, program.url) for program in stack] == [
        ("exporter", "http://127.0.0.1:10177"),
        ("detector", "http://127.0.0.1:10178"),
        ("prometheus", "http://127.0.0.1:9090"),
        ("alertmanager", "http://127.0.0.1:9093"),
    ]
    for program in stack:
        assert f"--web.listen-address=127.0.0.1:{program.port}" in program.command
    assert "--cluster.listen-address=" in stack[3].command


def test_prometheus_scrapes_both_processes_and_knows_the_alertmanager() -> None:
    config = Config(exporter_port=1, detector_port=2, alertmanager_port=3, scrape_seconds=2.5)
    prometheus, alertmanager = (json.loads(file.content) for file in files(config, DATA, [DATA / "alerts.yml"]))
    targets = [job["static_configs"][0]["targets"] for job in prometheus["scrape_configs"]]
    assert targets == [["127.0.0.1:1"], ["127.0.0.1:2"]]
    assert prometheus["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] == ["127.0.0.1:3"]
    assert prometheus["global"]["scrape_interval"] == "2500ms"
    assert prometheus["rule_files"] == [str(DATA / "alerts.yml")]
    assert alertmanager["route"]["receiver"] == alertmanager["receivers"][0]["name"]


def test_one_port_for_two_programs_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^alertmanager\.port: 9090 is prometheus\.port already$"):
        load(Config, ["--alertmanager.port=9090"], {}, "up")
    with pytest.raises(SettingsError, match=r"^--exporter\.port: '0' is less than 1$"):
        load(Config, ["--exporter.port=0"], {}, "up")
