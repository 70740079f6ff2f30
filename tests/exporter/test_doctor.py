"""The doctor's findings, with the privileges that it tells of really there or really given up."""

import contextlib
import io
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from exporter import doctor
from exporter.sources import probes
from exporter.sources.probes import Verdict
from tests.exporter.powers import (
    CAP_BPF,
    CAP_NET_ADMIN,
    CAP_NET_RAW,
    CAP_PERFMON,
    CAP_SYS_ADMIN,
    Powers,
    mounts_can_be_private,
    unmount_cgroups,
    with_powers,
)

# Being allowed to administer the system includes these on every kernel, so it must be given up with each of them.
KERNEL = frozenset({CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN})


def say(*arguments: str) -> str:
    """Return the command's output and, on a last line, its exit status."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        status = doctor.main(arguments)
    return f"{output.getvalue()}{status}"


def examine(powers: Powers, *arguments: str) -> dict[str, Any]:
    """Return the JSON object that the command prints; it exits with 1 if and only if something is missing."""
    text, _, status = with_powers(powers, lambda: say("--json", *arguments)).rpartition("\n")
    found: dict[str, Any] = json.loads(text)
    missing = [check for check in found["checks"] if check["verdict"] != "available"]
    assert status == ("1" if missing else "0")
    return found


def verdicts(found: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in found["checks"]}


@pytest.fixture(scope="module")
def of_root() -> dict[str, Any]:
    return examine(Powers())


def test_root_may_all_that_can_be_granted(of_root: dict[str, Any]) -> None:
    assert "forbidden" not in verdicts(of_root).values()
    assert verdicts(of_root)["capture"] == verdicts(of_root)["sock_diag"] == "available"


@pytest.mark.parametrize(
    ("dropped", "forbidden"),
    [
        (frozenset({CAP_NET_RAW}), {"capture"}),
        (frozenset({CAP_NET_ADMIN}), {"closed_sockets"}),
        (KERNEL, {"bpf_tasks", "syscalls", "capture_filters", "perf", "net_namespaces"}),
    ],
)
def test_what_one_capability_grants_is_lost_without_it(
    of_root: dict[str, Any], dropped: frozenset[int], forbidden: set[str]
) -> None:
    found = verdicts(examine(Powers(dropped=dropped)))

    changed = {name for name, verdict in found.items() if verdict != verdicts(of_root)[name]}
    could = {name for name in forbidden if verdicts(of_root)[name] == "available"}
    assert could <= changed
    assert all(found[name] == "forbidden" for name in could)
    assert changed == could


def test_nobody_is_told_what_is_lost_and_the_one_command_that_grants_it() -> None:
    found = examine(Powers(root=False))

    assert {"capture", "closed_sockets", "proc_io", "proc_files", "proc_executables", "syscalls"} <= {
        name for name, verdict in verdicts(found).items() if verdict == "forbidden"
    }
    assert verdicts(found)["sock_diag"] == "available"
    for check in found["checks"]:
        assert bool(check["lost"]) == (check["verdict"] != "available")
        assert bool(check["needs"]) == (check["verdict"] == "forbidden")
    assert found["grant"].startswith("sudo setpriv --reuid=65534")
    assert "net_admin" in found["grant"]


def test_text_says_the_same() -> None:
    text = with_powers(Powers(root=False), say)

    assert "  NO  capture: Operation not permitted\n      lost: requests," in text
    assert "sudo setpriv" in text


def test_control_groups_are_told_by_where_they_are_mounted_and_what_they_control(tmp_path: Path) -> None:
    def found() -> tuple[Verdict, Verdict]:
        return probes.control_groups(tmp_path).verdict, probes.controllers(tmp_path).verdict

    mounts, root = tmp_path / "self" / "mountinfo", tmp_path / "unified"
    mounts.parent.mkdir()
    root.mkdir()
    mounts.write_text("30 23 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n")
    assert found() == (Verdict.ABSENT, Verdict.ABSENT)
    mounts.write_text(f"31 23 0:27 / {root} rw - cgroup2 cgroup2 rw\n")
    assert found() == (Verdict.AVAILABLE, Verdict.ABSENT)
    (root / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    assert found() == (Verdict.AVAILABLE, Verdict.AVAILABLE)


def test_without_control_groups_of_version_2_it_says_so_as_the_exporter_does() -> None:
    if not mounts_can_be_private():
        pytest.skip("mounts cannot be made private")
    found = verdicts(examine(Powers(before=unmount_cgroups)))

    assert found["cgroup_v2"] == found["cgroup_controllers"] == "absent"


def test_servers_that_do_not_answer_are_told_without_their_credentials() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    text = say(f"--prometheus.url=http://ann:secret@127.0.0.1:{port}")

    assert f"no  prometheus 127.0.0.1:{port}: " in text
    assert "lost: alerts" in text
    assert "secret" not in text


def test_an_unusable_setting_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        doctor.main(["--path.procfs=/nowhere"])

    assert caught.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
