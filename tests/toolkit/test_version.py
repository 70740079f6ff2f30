"""The version is that of the installed distribution."""

import sys
from importlib import metadata
from pathlib import Path

import pytest

from toolkit.version import version


def test_it_is_what_the_installer_recorded() -> None:
    assert version() == metadata.version("larimar")


def test_without_an_installation_it_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "missing")])
    assert version() == "unknown"
