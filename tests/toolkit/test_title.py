import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.title import show_as


def test_the_kernel_lists_the_process_by_its_short_name(tmp_path: Path) -> None:
    (tmp_path / "comm").write_text("python3")
    show_as("larimar-exporter", tmp_path / "comm")
    assert (tmp_path / "comm").read_text() == "larimar-exporte"


def test_where_there_is_no_procfs_nothing_happens(tmp_path: Path) -> None:
    show_as("larimar-exporter", tmp_path / "none" / "comm")
    assert not (tmp_path / "none").exists()


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="needs procfs")
def test_a_real_process_gets_the_name() -> None:
    script = "from pathlib import Path; from toolkit.title import show_as; show_as('larimar-detector')"
    script += "; print(Path('/proc/self/comm').read_text().strip())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "larimar-detecto"
