import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.__main__ import FOLDER, dashboards
from grafana.queries import Asked, asked

SCHEMA = json.loads((Path(__file__).parent / "schema" / "grafana.schema.json").read_text())
BOARDS: dict[str, dict[str, Any]] = {name: json.loads(text) for name, text in dashboards().items()}
each_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS.keys())


def violations(part: str, value: object) -> Iterator[str]:
    """Yield what Grafana's schema says against `value` as that part of it."""
    checked = SCHEMA["definitions"]["Checked"]["properties"][part]
    for error in jsonschema.Draft7Validator(checked).iter_errors(value):
        yield f"{part} {list(error.absolute_path)}: {error.message[:300]}"


def violations_of_panel(panel: Mapping[str, Any]) -> Iterator[str]:
    yield from violations(f"{panel['type']}_options", panel["options"])
    custom = panel["fieldConfig"]["defaults"].get("custom")
    if custom is not None:
        yield from violations(f"{panel['type']}_custom", custom)


def panels(board: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("name", BOARDS)
def test_the_committed_dashboard_is_the_generated_one(name: str) -> None:
    assert (FOLDER / name).read_text() == dashboards()[name], "run python -m grafana"


def test_no_other_dashboard_is_committed() -> None:
    assert {file.name for file in FOLDER.glob("*.json")} == BOARDS.keys()


@each_board
def test_grafanas_published_schema_accepts_the_dashboard(board: dict[str, Any]) -> None:
    assert list(violations("dashboard", board)) == []


@each_board
def test_grafanas_published_schema_accepts_each_panels_options(board: dict[str, Any]) -> None:
    assert [said for panel in panels(board) for said in violations_of_panel(panel)] == []


@each_board
def test_the_schema_check_notices_what_is_wrong(board: dict[str, Any]) -> None:
    assert list(violations("dashboard", board | {"panels": [{"type": "stat", "titel": "a typing error"}]}))
    assert list(violations("dashboard", board | {"schemaVersion": "36"}))
    assert list(violations("stat_options", {"graphMode": "circle"}))


@each_board
def test_grafanas_own_decoder_loses_nothing(board: dict[str, Any]) -> None:
    register_default_plugins()
    decoded = json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))
    assert lost(board, decoded) == []


def lost(before: object, after: object, where: str = "") -> list[str]:
    """Return the places of `before` that `after` does not have alike; `after` may have more."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [place for key, value in before.items() for place in lost(value, after.get(key), f"{where}/{key}")]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [place for index, (one, other) in pairs for place in lost(one, other, f"{where}/{index}")]
    return [] if before == after else [where]


@each_board
def test_it_can_be_provisioned_and_imported(board: dict[str, Any]) -> None:
    assert board.get("id") is None
    assert 8 <= len(board["uid"]) <= 40
    assert "larimar" in board["tags"]
    assert "${DS_" not in json.dumps(board)
    (source,) = (variable for variable in board["templating"]["list"] if variable["type"] == "datasource")
    assert (source["name"], source["query"]) == ("datasource", "prometheus")


@each_board
def test_every_panel_and_query_uses_the_chosen_datasource(board: dict[str, Any]) -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    for panel in panels(board):
        assert panel["datasource"] == chosen
        assert all(target["datasource"] == chosen for target in panel["targets"])


@each_board
def test_every_panel_says_what_it_shows_in_which_unit(board: dict[str, Any]) -> None:
    for panel in panels(board):
        assert panel["title"]
        assert panel["description"]
        units = [panel["fieldConfig"]["defaults"].get("unit")] + [
            change["value"]
            for override in panel["fieldConfig"]["overrides"]
            for change in override["properties"]
            if change["id"] == "unit"
        ]
        assert any(units), panel["title"]


@each_board
def test_panels_are_numbered_apart_and_do_not_overlap(board: dict[str, Any]) -> None:
    identifiers = [panel["id"] for panel in board["panels"]]
    assert len(set(identifiers)) == len(identifiers)
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(place["x"] + column, place["y"] + row) for column in range(place["w"]) for row in range(place["h"])}
        assert not taken & cells, panel["title"]
        taken |= cells


@each_board
def test_rates_use_grafanas_interval_and_no_job_is_assumed(board: dict[str, Any]) -> None:
    for query in asked(board):
        assert set(re.findall(r"\[([^\]]*)\]", query.expression)) <= {"$__rate_interval"}
        assert not re.search(r'job=~?"(?!\$job")', query.expression)


def test_queries_within_collapsed_rows_are_found_too() -> None:
    inner = {"title": "inner", "targets": [{"expr": "up"}]}
    assert list(asked({"panels": [{"type": "row", "panels": [inner]}]})) == [Asked("inner", "up")]


def test_a_query_is_filled_with_the_values_of_variables() -> None:
    query = Asked("p", 'rate(a{b=~"$job",c="${job}"}[$__rate_interval])')
    assert query.filled({"job": ".+", "__rate_interval": "1m"}) == 'rate(a{b=~".+",c=".+"}[1m])'
    with pytest.raises(KeyError):
        query.filled({"job": ".+"})
    assert (
        Asked("p", 'label_replace(a, "b", "$1", "c", "(.+)")').filled({}) == 'label_replace(a, "b", "$1", "c", "(.+)")'
    )


def test_provisioning_finds_the_dashboards_and_a_prometheus() -> None:
    folder = FOLDER.parent / "provisioning"
    (provider,) = yaml.safe_load((folder / "dashboards" / "larimar.yml").read_text())["providers"]
    (source,) = yaml.safe_load((folder / "datasources" / "larimar.yml").read_text())["datasources"]
    assert provider["type"] == "file"
    assert provider["options"]["path"]
    assert source["type"] == "prometheus"
