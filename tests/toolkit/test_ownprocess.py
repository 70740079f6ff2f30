"""What a process tells of itself is what prometheus_client tells."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, GCCollector, Metric, PlatformCollector, ProcessCollector

from toolkit.ownprocess import OwnProcess

STEADY = ("process_start_time_seconds", "process_max_fds", "python_info")


def described(metrics: Iterable[Metric]) -> dict[str, tuple[str, str, list[tuple[str, dict[str, str]]]]]:
    return {
        one.name: (one.documentation, one.type, [(sample.name, sample.labels) for sample in one.samples])
        for one in metrics
    }


@pytest.fixture
def reference() -> CollectorRegistry:
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return registry


@pytest.mark.skipif(sys.platform != "linux", reason="reads procfs")
def test_the_families_are_the_references(reference: CollectorRegistry) -> None:
    ours, theirs = list(OwnProcess().collect()), list(reference.collect())
    assert described(ours) == described(theirs)
    told = {one.name: one.samples for one in ours}
    for family in theirs:
        if family.name in STEADY:
            assert told[family.name] == family.samples
    assert told["process_cpu_seconds"][0].value > 0
    assert told["process_resident_memory_bytes"][0].value > 1e6


def test_without_a_procfs_the_interpreters_own_are_left(tmp_path: Path) -> None:
    names = {one.name for one in OwnProcess(tmp_path).collect()}
    assert names == {
        "python_info",
        "python_gc_objects_collected",
        "python_gc_objects_uncollectable",
        "python_gc_collections",
    }


def test_the_exporter_does_without_what_is_large() -> None:
    code = "import sys, exporter.app; print(*(name for name in sys.argv[1:] if name in sys.modules))"
    heavy = (
        "prometheus_client",
        "ssl",
        "hashlib",
        "http.client",
        "email",
        "numpy",
        "yaml",
        "requests",
        "psutil",
        "scapy",
    )
    run = subprocess.run([sys.executable, "-c", code, *heavy], check=True, capture_output=True, text=True)
    assert run.stdout.split() == []
