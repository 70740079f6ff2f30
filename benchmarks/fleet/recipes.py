"""All recipes, read from services/*.yml: a file for each class of service.

A file has `kind`, the class, and `services`, a list of `Recipe`'s fields, of which most may be left out. Of these:

    name: the engine's, where it is left out.
    origin, way: as the enumerations' members are called, in lower case.
    files: a text, or `repeat` and `times` for a long one of which nothing but the size matters.
    ask: a client of benchmarks/fleet/asking by its name, or, for those of HTTP, that name with its arguments.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml

from benchmarks.fleet.asking import CLIENTS, HTTP_CLIENTS
from benchmarks.fleet.recipe import PORTS, Ask, Origin, Recipe, Way
from exporter.identity.facts import ServiceClass

FOLDER = Path(__file__).parent / "services"
# In the order of their start: what others need comes first.
KINDS = (
    "database",
    "cache",
    "queue",
    "search",
    "directory",
    "web",
    "application",
    "proxy",
    "dns",
    "mail",
    "file",
    "monitoring",
    "logging",
    "chat",
    "shell",
    "batch",
)


def read(file: Path) -> Iterator[Recipe]:
    """Return the recipes of one file.

    Raises:
        KeyError: an origin, a way or a client that nobody knows.
        TypeError: a field that recipes do not have, or a necessary one that is not there.
    """
    content = yaml.safe_load(file.read_text())
    for fields in content["services"]:
        yield _recipe(ServiceClass(content["kind"]), fields)


def _recipe(kind: ServiceClass, fields: Mapping[str, Any]) -> Recipe:
    made: dict[str, Any] = {
        "name": fields["engine"],
        **{name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()},
        "kind": kind,
        "origin": Origin[fields.get("origin", "debian").upper()],
        "way": Way[fields.get("way", "plain").upper()],
        "files": {path: _text(text) for path, text in fields.get("files", {}).items()},
        "ask": _ask(fields.get("ask")),
    }
    return Recipe(**made)


def _text(content: str | Mapping[str, Any]) -> str:
    return content if isinstance(content, str) else content["repeat"] * content["times"]


def _ask(spec: str | Mapping[str, Mapping[str, Any]] | None) -> Ask | None:
    if spec is None:
        return None
    if isinstance(spec, str):
        return CLIENTS[spec]
    ((client, arguments),) = spec.items()
    through = Template(arguments.get("through", "")).substitute(PORTS)
    paths = [Template(path).substitute(PORTS) for path in arguments["paths"]]
    return HTTP_CLIENTS[client](paths, arguments.get("post", ()), through)


RECIPES = tuple(recipe for kind in KINDS for recipe in read(FOLDER / f"{kind}.yml"))
