"""What the exporter holds in memory: beside a thousand processes, and where two hundred services ask for pages."""

from pathlib import Path

import pytest

from benchmarks.exporter import measure_busy
from benchmarks.processes import population, whole_exporter_megabytes

pytestmark = [pytest.mark.long, pytest.mark.timeout(240), pytest.mark.usefixtures("capturing")]
SERVICES, REQUESTS_PER_SECOND, SECONDS = 200, 4000.0, 60.0
MOST_MB, SERIES = 120, 20_000
PROCESSES, MOST_BESIDE_PROCESSES_MB, EACH_MORE_MB = 1000, 60.0, 0.005


def test_a_thousand_processes_fit() -> None:
    with population(PROCESSES):
        more = sum(folder.name.isdecimal() for folder in Path("/proc").iterdir()) - PROCESSES
        # Of others here, whose services have series as well.
        assert whole_exporter_megabytes("larimar_bpf") < MOST_BESIDE_PROCESSES_MB + more * EACH_MORE_MB


def test_two_hundred_services_and_all_series_fit() -> None:
    measured = measure_busy(SERVICES, REQUESTS_PER_SECOND, SECONDS)
    # Some of the two hundred places belong to whatever else runs on this machine.
    assert measured.named > 0.8 * SERVICES, measured
    assert measured.series >= 0.95 * SERIES, measured
    assert measured.peak_mb < MOST_MB, measured
