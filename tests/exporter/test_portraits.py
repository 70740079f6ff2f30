"""Usual fingerprints in a file: written whole, read again, and done without where it cannot be used."""

import logging
from pathlib import Path

import pytest

from exporter.fingerprint.remembered import read, written
from exporter.fingerprint.usual import Level
from exporter.portraits import Portraits, recalled

USUAL = {"shop": {0: Level(0.25, 0.01, 900.0)}}


def test_what_an_exporter_knew_the_next_one_knows(tmp_path: Path) -> None:
    file = tmp_path / "usual.json"
    file.write_text(written(USUAL, 100.0))

    Portraits(Path("/proc"), file, lambda: 200.0).save()

    assert read(file.read_text(), 300.0) == USUAL
    assert [path.name for path in tmp_path.iterdir()] == ["usual.json"]


def test_without_a_file_nothing_is_written(tmp_path: Path) -> None:
    Portraits(tmp_path).save()

    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_used_is_told_in_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "usual.json"
    file.write_text("half of it")

    with caplog.at_level(logging.WARNING):
        assert recalled(file, 1.0) == {}
        assert recalled(tmp_path / "not there yet", 1.0) == {}

    assert [record.getMessage() for record in caplog.records] == ["usual fingerprints not read"]
