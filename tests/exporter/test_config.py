import subprocess
import sys
from pathlib import Path

import pytest

from exporter.config import Config
from toolkit.settings import SettingsError, load
from toolkit.values import Address

HEAVY = ("scapy", "statsmodels", "scipy", "numpy", "pandas", "psutil", "requests")


def config(*argv: str, **environ: str) -> Config:
    return load(Config, argv, environ, "larimar-exporter")


def test_every_setting_has_a_default() -> None:
    settings = config()
    assert settings.listen == Address("", 10177)
    assert settings.telemetry_path == "/metrics"
    assert settings.procfs == Path("/proc")
    assert settings.interfaces == ()
    assert settings.edges


def test_flags_go_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yml"
    file.write_text("web:\n  telemetry-path: /from-file\nlog.level: debug\ncapture.snaplen: 512\n")
    settings = config(
        f"--config.file={file}",
        "--web.telemetry-path=/from-flag",
        LARIMAR_LOG_LEVEL="warn",
        LARIMAR_WEB_TELEMETRY_PATH="/from-environment",
    )
    assert (settings.telemetry_path, settings.log_level, settings.snaplen) == ("/from-flag", "warn", 512)


def test_a_collector_can_be_switched_off() -> None:
    assert not config("--no-collector.edges").edges
    assert not config(LARIMAR_COLLECTOR_EDGES="false").edges


def test_interfaces_may_be_repeated() -> None:
    assert config("--capture.interface=lo", "--capture.interface=eth0").interfaces == ("lo", "eth0")


@pytest.mark.parametrize(
    ("flag", "key"),
    [
        ("--web.listen-address=nowhere", "web.listen-address"),
        ("--web.telemetry-path=metrics", "web.telemetry-path"),
        ("--path.procfs=/no/such/folder", "path.procfs"),
        ("--capture.snaplen=12", "capture.snaplen"),
        ("--capture.memory=1KiB", "capture.memory"),
        ("--log.level=loud", "log.level"),
        ("--no.such-flag=1", "no.such-flag"),
    ],
)
def test_an_unusable_setting_names_its_key(flag: str, key: str) -> None:
    with pytest.raises(SettingsError, match=key):
        config(flag)


def test_a_file_with_an_unknown_key_names_file_and_key(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yml"
    file.write_text("web.listen-adress: ':1'\n")
    with pytest.raises(SettingsError, match=r"exporter\.yml.*web\.listen-adress"):
        config(f"--config.file={file}")


def test_the_exporter_imports_nothing_heavy() -> None:
    script = f"import sys, exporter.__main__; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_bad_setting_stops_the_start_with_status_2() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "exporter", "--path.procfs=/no/such/folder"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "path.procfs" in done.stderr
    assert len(done.stderr.splitlines()) == 1
