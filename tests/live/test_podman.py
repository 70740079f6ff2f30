"""A real Podman tells the names of its containers over its socket; its files lie where nobody looks."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter.identity.facts import ContainerFacts
from exporter.sources.containers import Containers
from tests.live.support.packages import with_package
from tests.live.support.processes import Command, running


class Podman:
    """A Podman with a storage of its own, in which containers are made and never run.

    Args:
        root: what stands for the host's root directory.
    """

    def __init__(self, root: Path) -> None:
        tree = with_package("podman")
        settings = root / "containers.conf"
        settings.write_text(
            f'[engine]\nconmon_path = ["{tree.binary("conmon")}"]\ncgroup_manager = "cgroupfs"\n'
            'events_logger = "file"\n[network]\nnetwork_backend = "cni"\n'
        )
        self._environment = tree.environment({**os.environ, "CONTAINERS_CONF": str(settings)})
        self._command = (
            *(str(tree.binary("podman")), "--root", str(root / "storage"), "--runroot", str(root / "running")),
            *("--storage-driver", "vfs", "--runtime", str(tree.binary("crun"))),
        )
        self._root = root

    def create(self, name: str, *labels: str) -> str:
        """Make a container of an empty folder; return its identifier."""
        files = self._root / "files"
        files.mkdir(exist_ok=True)
        flags = ("--network", "none", *(f"--label={label}" for label in labels), "--name", name)
        made = subprocess.run(
            [*self._command, "create", *flags, "--rootfs", str(files), "/bin/true"],
            env=self._environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=60,
        )
        return made.stdout.strip()

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Answer at where the host's Podman would."""
        path = self._root / "run/podman/podman.sock"
        path.parent.mkdir(parents=True)
        words = (*self._command, "system", "service", "--time", "0", f"unix://{path}")
        with running(Command(words, self._root / "podman.log", self._environment), path.is_socket):
            yield


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path Podman does not find too long."""
    with tempfile.TemporaryDirectory(prefix="larimar-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root, to make a container without a user namespace")
def test_podman_tells_names_over_its_socket(short_folder: Path) -> None:
    podman = Podman(short_folder)
    web = podman.create("shop-web-1", "com.docker.compose.service=web")
    till = podman.create("till")
    with podman.serving():
        containers = Containers(short_folder)

        found = containers.find(web, "")

        assert (found.name, found.service) == ("shop-web-1", "web")
        assert containers.find(till, "").name == "till"
        assert containers.find("d" * 64, "") == ContainerFacts()
