"""Records the fingerprints of the whole fleet: one line for each service and phase."""

import json
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.fleet.load import asking
from benchmarks.fleet.observing import Watch, watching
from benchmarks.fleet.recipe import HTTP_PORT, POSTGRES_PORT, REDIS_PORT, Recipe, Way
from benchmarks.fleet.recipes import RECIPES
from benchmarks.fleet.running import FleetError, Kit, Running, kit, start
from exporter.fingerprint.dimensions import NAMES
from exporter.fingerprint.model import Model
from exporter.fingerprint.profiles import Profile
from exporter.identity.facts import OTHER, ServiceClass
from exporter.model import Endpoint
from tests.live.support.namespace import outside, own_loopback

PHASE_SECONDS = 30.0
SETTLING_SECONDS = 12.0  # by then every process has its final name
# What others need, beside the recipes of the same engines.
BACKING = {"postgresql": POSTGRES_PORT, "redis": REDIS_PORT, "koa": HTTP_PORT}


@dataclass(frozen=True, slots=True)
class Seen:
    """What was made of one service.

    Attributes:
        engine, expected_name, expected_class: as its recipe says.
        name, name_source, kind, class_source, confidence: as the exporter says.
        ports: where it listens.
        vector: by dimension, those that are not known left out.
    """

    engine: str
    origin: str
    way: str
    expected_name: str
    expected_class: ServiceClass
    name: str
    name_source: str
    kind: ServiceClass
    class_source: str
    confidence: float
    ports: Sequence[int]
    vector: Mapping[str, float]

    @property
    def is_named(self) -> bool:
        """Return whether the name is right; a second one of a kind has its port behind it."""
        return self.name == self.expected_name or self.name.rpartition(":")[0] == self.expected_name

    @property
    def is_classed(self) -> bool:
        """Return whether the class is right."""
        return self.kind is self.expected_class


@contextmanager
def fleet(recipes: Sequence[Recipe], folder: Path) -> Iterator[list[Running]]:
    """Run all services at once on a loopback of their own; those that do not start are told and left out."""
    with outside():  # whoever runs this may have but a loopback already
        tools = kit((*recipes, *_backing()))
    with own_loopback() as is_alone, ExitStack() as ended:
        if not is_alone:
            print("no network namespace to be had: other traffic counts too", file=sys.stderr)
        for recipe in _backing():
            one = start(recipe, tools, folder / "backing" / recipe.engine, BACKING[recipe.engine])
            ended.callback(one.end)
        services = []
        for number, recipe in enumerate(recipes):
            one_more = _tried(recipe, tools, folder / f"{number}-{recipe.engine}")
            if one_more is not None:
                ended.callback(one_more.end)
                services.append(one_more)
        yield services


def _backing() -> list[Recipe]:
    found = {recipe.engine: recipe for recipe in reversed(RECIPES)}
    return [replace(found[engine], way=Way.PLAIN) for engine in BACKING]


def _tried(recipe: Recipe, tools: Kit, folder: Path) -> Running | None:
    try:
        return start(recipe, tools, folder)
    except FleetError as error:
        print(f"left out: {error}", file=sys.stderr)
        return None


def phases(
    recipes: Sequence[Recipe], folder: Path, count: int, seed: int, model: Model | None = None
) -> Iterator[list[Seen]]:
    """Run the fleet under load and yield what was made of each service after every phase."""
    with fleet(recipes, folder) as services, watching(model) as watch, asking(services, seed) as loads:
        time.sleep(SETTLING_SECONDS)
        for _ in range(count):
            loads.change()
            watch.begin()
            time.sleep(PHASE_SECONDS)
            yield [_seen(one, watch) for one in services]
        for engine, failed in loads.failures.most_common():
            print(f"{engine}: {failed} of {failed + loads.asked[engine]} asked in vain", file=sys.stderr)


def _seen(one: Running, watch: Watch) -> Seen:
    view, recipe = watch.view, one.recipe
    name = service_of(one, watch)
    identity, profile = view.services.get(name), watch.profiles.get(name)
    kind = profile.judgement.kind if profile else ServiceClass.UNKNOWN
    return Seen(
        recipe.engine,
        recipe.origin.value,
        recipe.way.name.lower(),
        recipe.name,
        recipe.kind,
        name,
        identity.source.value if identity else "",
        identity.known_class if identity and identity.known_class is not ServiceClass.UNKNOWN else kind,
        profile.judgement.source.value if profile else "",
        profile.judgement.confidence if profile else 0.0,
        sorted({listener.port for listener, service in view.listeners.items() if service == name}),
        _vector(profile) if profile else {},
    )


def service_of(one: Running, watch: Watch) -> str:
    """Return the service that listens at a recipe's port, else that of the process that does its work."""
    if one.recipe.listens:
        return watch.view.service_at(Endpoint("127.0.0.1", one.port)) or OTHER
    processes = watch.view.processes
    pid = one.process.pid
    if one.recipe.way is Way.SUPERVISED:
        pid = next((child for child, two in processes.items() if two.facts.parent_pid == pid), pid)
    return processes[pid].service if pid in processes else OTHER


def _vector(profile: Profile) -> dict[str, float]:
    found = zip(NAMES, profile.vector, strict=True)
    return {name: round(value, 4) for name, value in found if value is not None}


def write(seen: Sequence[Seen], file: Path) -> None:
    """Append what was made of services, one line each: engine, class, ports, and the vector in thousandths."""
    with file.open("a") as lines:
        for one in seen:
            values = [None if name not in one.vector else round(1000 * one.vector[name]) for name in NAMES]
            record = {
                "engine": one.engine,
                "kind": one.expected_class,
                "ports": one.ports[:4],
                "vector": values,
            }
            lines.write(json.dumps(record, separators=(",", ":")) + "\n")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One fingerprint as recorded; NaN where a dimension was not known."""

    engine: str
    kind: ServiceClass
    ports: Sequence[int]
    vector: Sequence[float]


def read(file: Path) -> list[Recorded]:
    """Return recordings.

    Raises:
        ValueError: made for other dimensions.
    """
    found = []
    for line in file.read_text().splitlines():
        values = json.loads(line)
        if len(values["vector"]) != len(NAMES):
            raise ValueError(f"{file}: made for other dimensions: record it anew")
        vector = [math.nan if value is None else value / 1000 for value in values["vector"]]
        if any(map(math.isfinite, vector)):
            found.append(Recorded(values["engine"], ServiceClass(values["kind"]), values["ports"], vector))
    return found
