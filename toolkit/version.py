"""The version of the installed distribution."""

import sys
from pathlib import Path

_NAME = "larimar"
_KIND = ".dist-info"


def version() -> str:
    """Return the distribution's version, or `unknown` where it is run without being installed.

    By the name of the folder that every installer writes: importlib.metadata would bring mail, archives and compression
    for it, two megabytes.
    """
    for folder in sys.path:
        try:
            names = [entry.name for entry in Path(folder).iterdir()]
        except OSError:
            continue  # a zip file, or nothing at all
        for name in names:
            if name.startswith(f"{_NAME}-") and name.endswith(_KIND):
                return name[len(_NAME) + 1 : -len(_KIND)]
    return "unknown"
