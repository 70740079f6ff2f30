"""What is compiled does the same as plain Python."""

import json
import subprocess
import sys
from pathlib import Path

from tests.exporter.protocols.transcript import transcript

ROOT = Path(__file__).parents[2]
ARGUMENTS = ("-m", "pytest", "-q", "-p", "tests.exporter.uncompiled", "-p", "no:cacheprovider", "-m", "not live")
# The tests of the services' compiled modules, and one of a protocol for all that the transcript does not ask for.
TESTS = (
    "services/test_attribution.py",
    "services/test_sampling.py",
    "services/test_traffic.py",
    "services/test_transfers.py",
    "sources/test_tcptable.py",
    "protocols/test_outline.py",
    "protocols/test_pairing.py",
    "protocols/test_redis.py",
    "protocols/test_http.py",
    "protocols/test_postgres.py",
    "protocols/test_memcached.py",
    "protocols/test_mysql.py",
)


def test_parsers_and_pairing_say_the_same_compiled_and_not() -> None:
    command = [sys.executable, "-m", "tests.exporter.protocols.transcript"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=240)
    assert run.returncode == 0, run.stderr[-3000:]
    _, lines = transcript()
    assert len(lines) > 1500
    assert json.loads(run.stdout) == lines


def test_the_source_alone_passes_the_tests() -> None:
    command = [sys.executable, *ARGUMENTS, *(f"tests/exporter/{test}" for test in TESTS)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=240)
    assert run.returncode == 0, run.stdout[-3000:]
    assert " passed" in run.stdout


def test_the_plugin_passes_by_the_compiled_twins() -> None:
    code = (
        "import tests.exporter.uncompiled, exporter.model, exporter.protocols.redis as redis; "
        "print(exporter.model.__file__, redis.__file__)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60)
    assert [Path(file).suffix for file in run.stdout.split()] == [".py", ".py"]
