"""Writes the dashboards: `python -m grafana`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.overview import overview

FOLDER = Path(__file__).with_name("dashboards")
# The builders are those of Grafana 10.1 and write out these defaults, which later schemas no longer know.
DROPPED_OF_DASHBOARD = ("style",)
DROPPED_OF_VARIABLE = ("auto", "auto_count", "auto_min", "id")
DROPPED_OF_OPTIONS = ("footer",)


def dashboards() -> Mapping[str, str]:
    """Return the text of each dashboard by the name of its file."""
    boards = {"service-overview.json": overview()}
    return {name: _text(json.loads(json.dumps(board.build(), cls=JSONEncoder))) for name, board in boards.items()}


def main() -> None:
    """Write every dashboard into the folder beside this file."""
    for name, text in dashboards().items():
        (FOLDER / name).write_text(text)


def _text(board: dict[str, Any]) -> str:
    _drop(board, DROPPED_OF_DASHBOARD)
    for variable in board["templating"]["list"]:
        _drop(variable, DROPPED_OF_VARIABLE)
    for panel in board["panels"]:
        _drop(panel.get("options", {}), DROPPED_OF_OPTIONS)
    return json.dumps(board, indent=2, sort_keys=True) + "\n"


def _drop(node: dict[str, Any], keys: tuple[str, ...]) -> None:
    for key in keys:
        node.pop(key, None)


if __name__ == "__main__":
    main()
