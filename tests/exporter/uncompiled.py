"""A pytest plugin that has every test use the source of the exporter's modules, past their compiled twins.

Use as `pytest -p tests.exporter.uncompiled`.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

PACKAGE = Path(__file__).parents[2] / "exporter"


class SourceOnly:
    """Finds the modules of `exporter` as source."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return where the source of `name` is; None for packages and for other modules."""
        top, _, rest = name.partition(".")
        file = PACKAGE / (rest.replace(".", "/") + ".py")
        if top != "exporter" or not file.is_file():
            return None
        return spec_from_file_location(name, file, loader=SourceFileLoader(name, str(file)))


sys.meta_path.insert(0, SourceOnly())
