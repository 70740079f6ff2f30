"""What deploy/ starts can be started: commands exist, flags are known, capabilities are the exporter's own."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from detector.config import Config as DetectorConfig
from exporter.config import Config as ExporterConfig
from exporter.privileges import GRANTING
from toolkit.settings import load

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
CONFIGS = {"larimar-exporter": ExporterConfig, "larimar-detector": DetectorConfig}


def containers(node: object) -> Iterator[dict[str, object]]:
    """Yield every mapping that has a command of ours."""
    if isinstance(node, dict):
        words = node.get("args", node.get("command"))
        if isinstance(words, list) and str(words[0]).startswith("larimar-"):
            yield node
        for child in node.values():
            yield from containers(child)
    elif isinstance(node, list):
        for child in node:
            yield from containers(child)


def commands() -> Iterator[tuple[str, tuple[str, ...]]]:
    for path in sorted(DEPLOY.rglob("*.y*ml")):
        for document in yaml.safe_load_all(path.read_text()):
            for container in containers(document):
                words = container.get("args", container.get("command"))
                assert isinstance(words, list)
                yield path.name, tuple(map(str, words))
    for path in sorted(DEPLOY.rglob("*.service")):
        for line in re.findall(r"^ExecStart=(.*)$", path.read_text(), re.MULTILINE):
            first, *rest = line.split()
            yield path.name, (Path(first).name, *rest)


@pytest.mark.parametrize(("file", "command"), list(commands()), ids=lambda value: str(value)[:40])
def test_every_command_and_flag_is_known(file: str, command: tuple[str, ...]) -> None:
    name, *flags = command
    assert load(CONFIGS[name], flags, {}, name)


def test_each_way_starts_the_exporter_and_all_but_the_sidecar_the_detector() -> None:
    found = {(file, command[0]) for file, command in commands()}
    assert len(found) == 7, found


@pytest.mark.parametrize("path", [*DEPLOY.rglob("exporter*.yaml"), DEPLOY / "compose.yml"], ids=lambda path: path.name)
def test_the_exporter_gets_the_capabilities_that_it_asks_for(path: Path) -> None:
    wanted = {name.strip("+").upper() for name in GRANTING.split(",")}
    granted = re.search(r"add: \[(.*?)\]", path.read_text()) or re.search(r"cap_add: \[(.*?)\]", path.read_text())
    assert granted is not None
    assert set(granted[1].split(", ")) == wanted


def test_the_unit_grants_the_same() -> None:
    unit = (DEPLOY / "systemd/larimar-exporter.service").read_text()
    wanted = {f"CAP_{name.strip('+').upper()}" for name in GRANTING.split(",")}
    for key in ("AmbientCapabilities", "CapabilityBoundingSet"):
        granted = re.search(rf"^{key}=(.*)$", unit, re.MULTILINE)
        assert granted is not None
        assert set(granted[1].split()) == wanted


def test_the_image_is_built_by_the_makefiles_step() -> None:
    step = re.search(r"^RUN make (\w+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert step is not None
    assert re.search(rf"^{step[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_what_runs_is_locked_to_what_was_tested() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9_.-]+==[^ ;\\]+", (ROOT / name).read_text(), re.MULTILINE))

    assert pins("requirements-runtime.lock") <= pins("requirements.lock")
