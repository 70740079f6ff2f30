"""What the exporter holds in memory where two hundred services ask each other for pages of many routes."""

import pytest

from benchmarks.exporter import measure_busy

pytestmark = [pytest.mark.long, pytest.mark.timeout(240), pytest.mark.usefixtures("capturing")]
SERVICES, REQUESTS_PER_SECOND, SECONDS = 200, 4000.0, 60.0
MOST_MB, SERIES = 120, 20_000


def test_two_hundred_services_and_all_series_fit() -> None:
    measured = measure_busy(SERVICES, REQUESTS_PER_SECOND, SECONDS)
    # Some of the two hundred places belong to whatever else runs on this machine.
    assert measured.named > 0.8 * SERVICES, measured
    assert measured.series >= 0.95 * SERIES, measured
    assert measured.peak_mb < MOST_MB, measured
