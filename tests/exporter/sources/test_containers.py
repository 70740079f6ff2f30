import json
from pathlib import Path

import pytest

from exporter.identity.facts import NO_CONTAINER, ContainerFacts
from exporter.sources.containers import Containers
from exporter.sources.packages import package_name

ID = "c" * 64
UID = "11111111-2222-3333-4444-555555555555"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_docker_and_compose_names(tmp_path: Path) -> None:
    labels = {"Name": "/shop-web-1", "Config": {"Labels": {"com.docker.compose.service": "web"}}}
    write(tmp_path / "var/lib/docker/containers" / ID / "config.v2.json", json.dumps(labels))

    assert Containers(tmp_path).find(ID, "") == ContainerFacts(name="shop-web-1", service="web")


def test_podman_names_of_root_and_users(tmp_path: Path) -> None:
    storage = tmp_path / "home/ann/.local/share/containers/storage/overlay-containers"
    write(storage / "containers.json", json.dumps([{"id": ID, "names": ["till"]}]))

    assert Containers(tmp_path).find(ID, "") == ContainerFacts(name="till")


def test_kubernetes_pods_from_their_log_folders(tmp_path: Path) -> None:
    (tmp_path / f"var/log/pods/shop_web-7d4b9c6f5d-x2x7k_{UID}/web").mkdir(parents=True)
    write(tmp_path / f"var/log/containers/web-7d4b9c6f5d-x2x7k_shop_web-{ID}.log", "")

    assert Containers(tmp_path).find(ID, UID) == ContainerFacts(name="web", pod="web-7d4b9c6f5d-x2x7k", part="web")


def bundle(root: Path, annotations: dict[str, str]) -> None:
    file = root / "run/containerd/io.containerd.runtime.v2.task/default" / ID / "config.json"
    write(file, json.dumps({"annotations": annotations}))


def test_names_that_nerdctl_gives_containerd(tmp_path: Path) -> None:
    bundle(tmp_path, {"nerdctl/name": "shop-web-1", "com.docker.compose.service": "web"})

    assert Containers(tmp_path).find(ID, "") == ContainerFacts(name="shop-web-1", service="web")


def test_pods_that_kubernetes_gives_containerd(tmp_path: Path) -> None:
    cri = {"sandbox-name": "web-7d4b9c6f5d-x2x7k", "container-name": "web", "image-name": "shop/web:3"}
    bundle(tmp_path, {f"io.kubernetes.cri.{name}": text for name, text in cri.items()})

    found = Containers(tmp_path).find(ID, UID)

    assert found == ContainerFacts(name="web", pod="web-7d4b9c6f5d-x2x7k", part="web", image="shop/web:3")


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "[" * 100_000, '{"Name": 3, "Config": []}', "\ud800".encode("utf-8", "surrogatepass").hex()]
)
def test_broken_files_name_nothing(tmp_path: Path, text: str) -> None:
    write(tmp_path / "var/lib/docker/containers" / ID / "config.v2.json", text)
    write(tmp_path / "var/lib/containers/storage/overlay-containers/containers.json", text)
    write(tmp_path / "run/containerd/io.containerd.runtime.v2.task/default" / ID / "config.json", text)

    assert Containers(tmp_path).find(ID, "") is NO_CONTAINER


def test_a_container_whose_files_come_late_is_found_then(tmp_path: Path) -> None:
    containers = Containers(tmp_path)
    assert containers.find(ID, "") is NO_CONTAINER
    write(tmp_path / "var/lib/docker/containers" / ID / "config.v2.json", '{"Name": "/till"}')

    assert containers.find(ID, "").name == "till"


def test_a_node_package_is_the_nearest_one_above_the_script(tmp_path: Path) -> None:
    write(tmp_path / "srv/web/package.json", '{"name": "@acme/shop-web"}')

    assert package_name(tmp_path, "/usr/bin/node", ("node", "src/server.js"), "/srv/web") == "shop-web"
    assert (
        package_name(tmp_path, "/usr/bin/node", ("node", "/srv/web/node_modules/.bin/next"), "/srv/web") == "shop-web"
    )
    assert package_name(tmp_path, "/usr/bin/python3", ("python3", "x.py"), "/srv/web") == ""
