"""Reads what a cgroup's path says: the unit, the container, the pod."""

import re
from dataclasses import dataclass

_CONTAINER_ID = re.compile(r"(?<![0-9a-f])([0-9a-f]{64})(?![0-9a-f])")
_POD = re.compile(r"pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12})")


@dataclass(frozen=True, slots=True)
class CgroupPlace:
    """Where a cgroup path lies; empty strings where it does not say.

    Attributes:
        unit: the innermost systemd service with its suffix, such as `redis-server@6380.service`.
        container_id: 64 hexadecimal digits.
        pod_uid: the Kubernetes pod's UID with dashes.
    """

    unit: str = ""
    container_id: str = ""
    pod_uid: str = ""


def place(path: str) -> CgroupPlace:
    """Return what a cgroup path says, the innermost part first."""
    parts = [part for part in path.split("/") if part]
    pod = _POD.search(path)
    containers = [found.group(1) for part in parts if (found := _CONTAINER_ID.search(part))]
    return CgroupPlace(
        unit=next((part for part in reversed(parts) if part.endswith(".service")), ""),
        container_id=containers[-1] if containers else "",
        pod_uid=pod.group(1).replace("_", "-") if pod else "",
    )
