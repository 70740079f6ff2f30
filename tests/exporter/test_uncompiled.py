"""What is compiled also passes its tests as plain Python."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ARGUMENTS = ("-m", "pytest", "-q", "-p", "tests.exporter.uncompiled", "-p", "no:cacheprovider", "-m", "not live")


@pytest.mark.parametrize("tests", ["protocols", "services"])
def test_the_source_alone_passes_the_tests(tests: str) -> None:
    command = [sys.executable, *ARGUMENTS, f"tests/exporter/{tests}"]
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
