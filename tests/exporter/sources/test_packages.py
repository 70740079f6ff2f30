"""The names in package files, which anybody may have written."""

import os
from pathlib import Path

from exporter.sources.packages import package_name

NODE = "/usr/bin/node"


def test_the_nearest_package_file_names_a_script(tmp_path: Path) -> None:
    (tmp_path / "srv/shop/src").mkdir(parents=True)
    (tmp_path / "srv/shop/package.json").write_text('{"name": "@acme/storefront"}')

    assert package_name(tmp_path, NODE, ("node", "src/index.js"), "/srv/shop") == "storefront"


def test_a_pipe_in_its_place_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "srv").mkdir()
    os.mkfifo(tmp_path / "srv/package.json")

    assert package_name(tmp_path, NODE, ("node", "index.js"), "/srv") == ""


def test_what_is_no_package_file_names_nothing(tmp_path: Path) -> None:
    (tmp_path / "srv").mkdir()
    for text in ("", "[]", "{", '{"name": 7}', "[" * 100_000):
        (tmp_path / "srv/package.json").write_text(text)
        assert package_name(tmp_path, NODE, ("node", "index.js"), "/srv") == ""
