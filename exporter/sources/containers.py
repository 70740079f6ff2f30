"""Reads the names of containers from what their runtimes leave on the host's disk, and asks engines for the others."""

import json
from collections.abc import Iterator
from pathlib import Path

from exporter.identity.facts import NO_CONTAINER, ContainerFacts
from exporter.sources.engines import Engines

_MAX_BYTES = 4 << 20
_COMPOSE_LABELS = ("com.docker.compose.service", "io.podman.compose.service", "com.docker.swarm.service.name")
_MAX_REMEMBERED = 4096
# What containerd writes beside the container that it runs; nerdctl and Kubernetes tell it the names.
_BUNDLES = "run/containerd/io.containerd.runtime.v2.task"
_NERDCTL_NAME = "nerdctl/name"
_CRI_POD, _CRI_PART, _CRI_IMAGE = (
    f"io.kubernetes.cri.{part}" for part in ("sandbox-name", "container-name", "image-name")
)


class Containers:
    """Looks up containers by identifier, once each: Docker, Podman, containerd, and Kubernetes through its log folders.

    Args:
        root: the host's root directory.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._engines = Engines(root)
        self._found: dict[str, ContainerFacts] = {}

    def find(self, container_id: str, pod_uid: str) -> ContainerFacts:
        """Return what is known of a container; empty where nothing is, or nothing may be read."""
        known = self._found.get(container_id)
        if known is None:
            if len(self._found) >= _MAX_REMEMBERED:
                self._found.clear()
            known = self._kubernetes(container_id, pod_uid) if pod_uid else self._docker(container_id)
            others = (self._podman, self._containerd, self._engine)
            for ask in others:
                known = ask(container_id) if known is NO_CONTAINER else known
            if known is NO_CONTAINER:
                return known  # its files may yet be written
            self._found[container_id] = known
        return known

    def _docker(self, container_id: str) -> ContainerFacts:
        return _inspected(_json(self._root / "var/lib/docker/containers" / container_id / "config.v2.json"))

    def _engine(self, container_id: str) -> ContainerFacts:
        return _inspected(self._engines.inspect(container_id))

    def _containerd(self, container_id: str) -> ContainerFacts:
        """Read the annotations in `NAMESPACE/CONTAINER/config.json`."""
        for bundle in sorted((self._root / _BUNDLES).glob(f"*/{container_id}/config.json")):
            config = _json(bundle)
            said = config.get("annotations") if isinstance(config, dict) else None
            if isinstance(said, dict) and isinstance(said.get(_CRI_POD), str):
                part, image = (str(said.get(each, "")) for each in (_CRI_PART, _CRI_IMAGE))
                return ContainerFacts(name=part, pod=said[_CRI_POD], part=part, image=image)
            if isinstance(said, dict):
                return _facts(said.get(_NERDCTL_NAME), said, None)
        return NO_CONTAINER

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


def _inspected(said: object) -> ContainerFacts:
    """Return what Docker's account of a container tells: its file and its answer are alike."""
    if not isinstance(said, dict):
        return NO_CONTAINER
    inner = said.get("Config")
    labels = inner.get("Labels") if isinstance(inner, dict) else None
    return _facts(said.get("Name"), labels, said.get("Image"))


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
