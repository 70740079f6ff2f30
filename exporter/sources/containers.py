"""Reads the names of containers from what their runtimes leave on the host's disk; no runtime is asked anything."""

import json
from collections.abc import Iterator
from pathlib import Path

from exporter.identity.facts import NO_CONTAINER, ContainerFacts

_MAX_BYTES = 4 << 20
_COMPOSE_LABELS = ("com.docker.compose.service", "io.podman.compose.service", "com.docker.swarm.service.name")
_MAX_REMEMBERED = 4096


class Containers:
    """Looks up containers by identifier, once each: Docker, Podman, and Kubernetes through its log folders.

    Args:
        root: the host's root directory.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._found: dict[str, ContainerFacts] = {}

    def find(self, container_id: str, pod_uid: str) -> ContainerFacts:
        """Return what is known of a container; empty where nothing is, or nothing may be read."""
        known = self._found.get(container_id)
        if known is None:
            if len(self._found) >= _MAX_REMEMBERED:
                self._found.clear()
            known = self._kubernetes(container_id, pod_uid) if pod_uid else self._docker(container_id)
            if known is NO_CONTAINER:
                known = self._podman(container_id)
            if known is NO_CONTAINER:
                return known  # its files may yet be written
            self._found[container_id] = known
        return known

    def _docker(self, container_id: str) -> ContainerFacts:
        config = _json(self._root / "var/lib/docker/containers" / container_id / "config.v2.json")
        if not isinstance(config, dict):
            return NO_CONTAINER
        inner = config.get("Config")
        labels = inner.get("Labels") if isinstance(inner, dict) else None
        return _facts(config.get("Name"), labels, config.get("Image"))

    def _podman(self, container_id: str) -> ContainerFacts:
        for storage in self._podman_storages():
            containers = _json(storage / "overlay-containers/containers.json")
            for one in containers if isinstance(containers, list) else ():
                if isinstance(one, dict) and one.get("id") == container_id:
                    names = one.get("names")
                    labels = _json(storage / "overlay-containers" / container_id / "userdata/config.json")
                    annotations = labels.get("annotations") if isinstance(labels, dict) else None
                    name = names[0] if isinstance(names, list) and names else None
                    return _facts(name, annotations, one.get("image"))
        return NO_CONTAINER

    def _podman_storages(self) -> Iterator[Path]:
        yield self._root / "var/lib/containers/storage"
        try:
            homes = sorted((self._root / "home").iterdir())
        except OSError:
            return
        for home in homes[:100]:
            yield home / ".local/share/containers/storage"

    def _kubernetes(self, container_id: str, pod_uid: str) -> ContainerFacts:
        """Read `/var/log/pods/NAMESPACE_POD_UID/PART/` and the links of `/var/log/containers` to it."""
        try:
            pods = [path.name for path in (self._root / "var/log/pods").iterdir()]
        except OSError:
            return NO_CONTAINER
        pod = next((name.split("_")[1] for name in pods if name.endswith(f"_{pod_uid}") and name.count("_") == 2), "")
        if not pod:
            return NO_CONTAINER
        part = ""
        for link in (self._root / "var/log/containers").glob(f"{pod}_*-{container_id}.log"):
            part = link.name.split("_", 2)[2].removesuffix(f"-{container_id}.log")
        return ContainerFacts(name=part, pod=pod, part=part)


def _facts(name: object, labels: object, image: object) -> ContainerFacts:
    given = name.lstrip("/") if isinstance(name, str) else ""
    found = labels if isinstance(labels, dict) else {}
    service = next((text for label in _COMPOSE_LABELS if isinstance(text := found.get(label), str)), "")
    made_from = image if isinstance(image, str) else ""
    return ContainerFacts(name=given, service=service, image=made_from) if given or service else NO_CONTAINER


def _json(path: Path) -> object:
    """Return a file's JSON; None where it is not there, not readable, too long or not JSON."""
    try:
        with path.open("rb") as file:
            return json.loads(file.read(_MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
