"""The exporter with fewer privileges, really given up: what is missing is a metric and one line in the log."""

import json
import logging
import os
import tempfile
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.app import App
from exporter.config import Config
from tests.exporter.powers import (
    CAP_BPF,
    CAP_NET_ADMIN,
    CAP_NET_RAW,
    CAP_PERFMON,
    CAP_SYS_ADMIN,
    CAP_SYS_PTRACE,
    Powers,
    enter_pid_namespace,
    mount_proc,
    mounts_can_be_private,
    unmount_cgroups,
    with_powers,
)
from tests.exporter.test_app import LOOPBACK, samples, value

# Being allowed to administer the system includes what is newer, so it must be given up with each of them.
KERNEL = frozenset({CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN})
FILES = frozenset({"proc_io", "proc_files", "proc_executables"})


@dataclass(frozen=True, slots=True)
class Seen:
    """What an exporter said.

    Attributes:
        missing: the capabilities that are not available, by its metrics.
        warnings: its log's lines that are worth a person's while.
        off: why system calls are not counted.
        services: how many it saw.
    """

    missing: frozenset[str]
    warnings: tuple[str, ...]
    off: str
    services: float


class Kept(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def exporting(procfs: Path = Path("/proc")) -> str:
    """Run the exporter for two rounds; return what it said as JSON."""
    kept = Kept()
    logging.getLogger().addHandler(kept)
    try:
        with closing(App(Config(listen=LOOPBACK, procfs=procfs))) as app:
            app.round()
            app.round()
            found = samples(app)
    finally:
        logging.getLogger().removeHandler(kept)
    labels = [(dict(has), count) for (name, has), count in found.items() if name == "larimar_capability_available"]
    reasons = [dict(has)["reason"] for name, has in found if name == "larimar_syscalls_off"]
    return json.dumps(
        {
            "missing": [has["capability"] for has, count in labels if not count],
            "warnings": [f"{record.getMessage()}: {getattr(record, 'missing', '')}" for record in kept.records],
            "off": "".join(reasons),
            "services": value(found, "larimar_service_info"),
        }
    )


def everybody_reads_the_code() -> bool:
    """Whether nobody, too, may read the exporter's files: not in root's own folder."""
    return all(folder.stat().st_mode & 0o001 for folder in Path(__file__).resolve().parents)


def seen(powers: Powers, procfs: Path = Path("/proc")) -> Seen:
    return parsed(with_powers(powers, lambda: exporting(procfs)))


def parsed(text: str) -> Seen:
    said = json.loads(text)
    return Seen(frozenset(said["missing"]), tuple(said["warnings"]), said["off"], said["services"])


@pytest.fixture(scope="module")
def of_root() -> Seen:
    """What root sees here, which may not be all: a kernel may have no eBPF.

    Seen in this very process, so that all modules are there when one that may not read their files needs them.
    """
    if os.geteuid() != 0:
        pytest.skip("needs to be root, to give up being it")
    return parsed(exporting())


@pytest.mark.parametrize(
    ("powers", "lost"),
    [
        (Powers(root=False), FILES | {"capture", "closed_sockets", "bpf_tasks", "syscalls"}),
        (Powers(dropped=frozenset({CAP_SYS_PTRACE})), FILES - {"proc_files", "proc_io"}),  # eBPF tells of I/O
        (Powers(dropped=KERNEL | {CAP_SYS_PTRACE}), FILES - {"proc_files"} | {"bpf_tasks", "syscalls"}),
        (Powers(dropped=frozenset({CAP_NET_ADMIN})), frozenset({"closed_sockets"})),
        (Powers(dropped=frozenset({CAP_NET_RAW})), frozenset({"capture"})),
        (Powers(dropped=KERNEL), frozenset({"bpf_tasks", "syscalls"})),
    ],
    ids=["nobody", "no CAP_SYS_PTRACE", "no eBPF nor CAP_SYS_PTRACE", "no CAP_NET_ADMIN", "no CAP_NET_RAW", "no eBPF"],
)
def test_what_is_given_up_is_a_metric_and_one_line(of_root: Seen, powers: Powers, lost: Iterable[str]) -> None:
    if not powers.root and not everybody_reads_the_code():
        pytest.skip("nobody may not read the exporter's files here")
    found = seen(powers)

    assert found.missing >= set(lost)
    assert len(set(found.warnings)) == len(found.warnings), "nothing is said twice"
    assert [line for line in found.warnings if line.startswith("not permitted to see everything: ")]
    assert len(found.warnings) == 1 + (powers.dropped >= KERNEL), "but of the filter, which has a metric of its own"
    assert found.services >= of_root.services / 2, "it goes on with the rest"
    assert found.off == ("permission" if "syscalls" in found.missing else "")


def test_hidden_processes_are_told(of_root: Seen) -> None:
    if not mounts_can_be_private() or not everybody_reads_the_code():
        pytest.skip("mounts cannot be made private, or nobody may not read the exporter's files here")
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        found = seen(Powers(root=False, before=lambda: mount_proc(Path(name), "hidepid=2")), Path(name))

    assert "processes" in found.missing
    assert "processes" not in of_root.missing
    assert len(found.warnings) == 1


def test_without_cgroups_of_version_2_the_rest_goes_on(of_root: Seen) -> None:
    if not mounts_can_be_private():
        pytest.skip("mounts cannot be made private")
    found = seen(Powers(before=unmount_cgroups))

    assert found.missing == of_root.missing | {"cgroup_v2", "cgroup_controllers"}
    assert len(found.warnings) == 1
    assert "throttling, memory limits and OOM kills" in found.warnings[0]
    assert found.services >= of_root.services / 2


def test_in_a_pid_namespace_of_its_own_it_sees_what_is_in_there(of_root: Seen, tmp_path: Path) -> None:
    if not mounts_can_be_private():
        pytest.skip("mounts cannot be made private")
    found = seen(Powers(before=lambda: enter_pid_namespace(tmp_path)), tmp_path)

    assert found.missing == of_root.missing
    assert found.off == of_root.off
    assert found.services == 1


def test_whose_processes_cannot_be_told_is_said(of_root: Seen, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "stat").write_text("")
    found = parsed(exporting(tmp_path))

    assert found.missing - of_root.missing >= {"bpf_tasks", "syscalls"} - of_root.missing
    assert found.off == "pid_namespace"
    assert [line for line in found.warnings if line.startswith("system calls not counted")]
