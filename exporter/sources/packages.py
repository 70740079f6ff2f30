"""Reads the name in a script's package file, for runtimes whose scripts are all called the same."""

import json
import os
import re
from pathlib import Path, PurePosixPath

_NODE = re.compile(r"(node|nodejs|bun|deno)[\d.]*")
_MAX_BYTES = 256 << 10
_MAX_LEVELS = 4


def package_name(root: Path, executable: str, arguments: tuple[str, ...], working_directory: str) -> str:
    """Return the `name` in the package.json nearest to a Node.js process's script, else an empty string.

    Args:
        root: the process's own root directory, as it may be in a container.
    """
    if not _NODE.fullmatch(PurePosixPath(executable).name) or len(arguments) < 2:
        return ""
    script = next((text for text in arguments[1:] if not text.startswith("-")), "")
    start = PurePosixPath(working_directory or "/")
    if "node_modules" not in script:
        start = (start / script).parent
    for directory in [start, *start.parents][:_MAX_LEVELS]:
        name = _name_in(root / str(directory).lstrip("/") / "package.json")
        if name:
            return name
    return ""


def _name_in(path: Path) -> str:
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            package = json.loads(file.read(_MAX_BYTES) or b"null")
    except (OSError, ValueError, RecursionError):  # none there, not readable, or not JSON: the ladder goes on
        return ""
    name = package.get("name") if isinstance(package, dict) else None
    return name.rsplit("/", 1)[-1] if isinstance(name, str) else ""


def _without_waiting(path: str, flags: int) -> int:
    """Open a file that anybody may have put there: a pipe that nobody writes to must not hold up the exporter."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
