"""YAML files read strictly: bounded, every scalar as text, no repeated keys, no aliases."""

from pathlib import Path
from typing import cast

MAX_FILE_BYTES = 1 << 20


class FileError(Exception):
    """A file cannot be used; the message names it and the reason."""


def read_bytes(path: Path) -> bytes:
    """Return a file's content.

    Raises:
        FileError: it cannot be read or is longer than 1 MiB.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from error
    if len(content) > MAX_FILE_BYTES:
        raise FileError(f"{path}: longer than {MAX_FILE_BYTES} bytes")
    return content


def parse_yaml(path: Path, content: bytes) -> object:
    """Return nested dicts, lists and texts; an empty file is an empty text.

    Raises:
        FileError: not YAML, or YAML that is not supported here; names the line, quotes no value.
    """
    import yaml  # noqa: PLC0415  # most of a megabyte, and many have no file at all

    from toolkit.textloader import TextLoader  # noqa: PLC0415

    try:
        return cast(object, yaml.load(content, Loader=TextLoader)) or ""  # noqa: S506  # a SafeLoader
    except (yaml.YAMLError, UnicodeError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        raise FileError(f"{path}: {where}{getattr(error, 'problem', None) or 'not YAML'}") from error


def read_yaml(path: Path) -> object:
    """Return `parse_yaml` of the file's content.

    Raises:
        FileError: it cannot be read, is too long or is not YAML.
    """
    return parse_yaml(path, read_bytes(path))
