"""At 150,000 packets a second the ring that the exporter has by default drops none."""

import subprocess
import sys

import pytest

from benchmarks.exporter import exporter, read, sample
from exporter.sources.passed import packets_passed

pytestmark = [pytest.mark.long, pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]

RATE, SECONDS = 150_000, 15
# A machine with other users may not let the sender keep its pace; then the ring was not put to the test.
LEAST_RATE = 0.9 * RATE
DROPPED, CAPTURED = "larimar_capture_packets_dropped_total", "larimar_capture_packets_total"


def test_a_hundred_and_fifty_thousand_packets_a_second_are_none_too_many() -> None:
    sender = [sys.executable, "-m", "tests.live.support.paced", "lo", str(RATE), str(SECONDS)]
    with exporter() as (_pid, url):
        before = packets_passed()
        told = subprocess.run(sender, check=True, capture_output=True, text=True).stdout
        rate = (packets_passed() - before) / 2 / float(told.split()[1])  # each leaves loopback and enters it
        page = read(f"{url}/metrics")
    assert sample(page, DROPPED) == 0
    assert sample(page, CAPTURED) > rate  # of a second at least
    if rate < LEAST_RATE:
        pytest.skip(f"no more than {rate:.0f} packets a second could be sent here")
