"""What would have been told of the past of a Prometheus."""

import json
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from detector.backtest.command import main
from detector.model import Floats
from tests.detector.running import HOUR, MINUTE
from tests.detector.servers import FakePrometheus, Mood
from tests.detector.world import DAY, Fault, World, to

FLAGS = ("--since=6h", "--history.duration=4d", "--fit.workers=1")


def of(prometheus: FakePrometheus, *flags: str) -> int:
    return main([*flags, f"--prometheus.url={prometheus.url}", *FLAGS])


@pytest.fixture
def broken(world: World, prometheus: FakePrometheus) -> FakePrometheus:
    """Its latency was off for a quarter of an hour, two hours ago; a service was away for ten minutes after that."""
    now = time.time() // MINUTE * MINUTE
    world.faults.append(Fault("web", "latency", now - 2 * HOUR, now - 1.75 * HOUR, lambda values: values + 0.3))
    world.stop("cache", now - HOUR, now - 50 * MINUTE)
    return prometheus


def test_each_alert_is_told_with_its_times_and_drawn(
    broken: FakePrometheus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert of(broken, "--json", "--pictures", str(tmp_path / "drawn")) == 0
    alerts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [alert["labels"]["service_name"] for alert in alerts] == ["web", "cache"]
    assert alerts[0]["annotations"]["summary"].startswith("web: latency above normal")
    for alert in alerts:
        assert alert["started_at"] <= alert["told_at"] < alert["ended_at"]
    pictures = sorted((tmp_path / "drawn").iterdir())
    assert [picture.name[:7] for picture in pictures] == ["001-web", "002-cac"]
    for picture in pictures:
        assert ElementTree.parse(picture).getroot().tag.endswith("svg")  # our own file


def test_people_read_lines(broken: FakePrometheus, capsys: pytest.CaptureFixture[str]) -> None:
    assert of(broken) == 0
    *lines, total = capsys.readouterr().out.splitlines()
    assert sum("LarimarService" in line for line in lines) == 2
    assert total == "2 alerts in 6h"


def test_a_calm_past_leads_to_nothing(prometheus: FakePrometheus, capsys: pytest.CaptureFixture[str]) -> None:
    assert of(prometheus) == 0
    assert capsys.readouterr().out == "0 alerts in 6h\n"


def test_a_small_budget_leaves_what_is_hardly_unusual_untold(
    world: World, prometheus: FakePrometheus, capsys: pytest.CaptureFixture[str]
) -> None:
    now = time.time() // MINUTE * MINUTE
    world.faults.append(Fault("web", "latency", now - 2 * HOUR, now - 1.75 * HOUR, lambda values: values * 1.5))
    assert of(prometheus, "--alert-budget=1000") == 0
    assert capsys.readouterr().out.endswith("1 alert in 6h\n")
    assert of(prometheus, "--alert-budget=0.001") == 0
    assert capsys.readouterr().out == "0 alerts in 6h\n"


def test_a_prometheus_that_refuses_is_named(prometheus: FakePrometheus, capsys: pytest.CaptureFixture[str]) -> None:
    prometheus.mood = Mood.ERROR
    assert of(prometheus) == 1
    assert "larimar backtest: HTTP 503" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--since=soon"], ["--what=1"], ["--since"], ["x.csv", "--since=1h"]])
def test_what_cannot_be_understood_is_refused(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(flags)
    assert end.value.code == 2
    assert "larimar backtest:" in capsys.readouterr().err


@pytest.mark.long
def test_a_nightly_job_that_did_not_begin_is_told_until_the_next_night(
    world: World, prometheus: FakePrometheus, capsys: pytest.CaptureFixture[str]
) -> None:
    """It begins at about one time of the day, works for forty minutes, and five hours ago it did not."""
    due = time.time() // MINUTE * MINUTE - 5 * HOUR

    def nightly(times: Floats) -> Floats:
        day = np.rint((times - due) / DAY)
        since = times - due - day * DAY - 180.0 * np.sin(7.0 * day)
        return np.where((since >= 0) & (since < 40 * MINUTE), 20.0 + np.sin(times), 0.0)

    world.courses, world.callees = {"reports": {"requests": nightly}}, {}
    world.faults.append(Fault("reports", "requests", due - HOUR, due + 2 * HOUR, to(0.0)))
    flags = ("--since=30h", "--history.duration=8d", "--fit.workers=1", "--json")
    assert main([f"--prometheus.url={prometheus.url}", *flags]) == 0
    alerts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [alert["labels"]["service_name"] for alert in alerts] == ["reports"]
    assert due < alerts[0]["told_at"] <= due + 45 * MINUTE
    assert alerts[0]["ended_at"] is None  # it is still not done
