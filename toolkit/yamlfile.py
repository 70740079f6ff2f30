"""YAML files read strictly: bounded, every scalar as text, no repeated keys, no aliases."""

from pathlib import Path
from typing import Any, cast

import yaml

MAX_FILE_BYTES = 1 << 20


class FileError(Exception):
    """A file cannot be used; the message names it and the reason."""


class _TextLoader(yaml.SafeLoader):
    """Leaves `1.10`, `on` and dates what was written; an alias could repeat or contain itself without end."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # yaml's own way to declare it

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # types-PyYAML lacks it
            raise yaml.MarkedYAMLError(problem="aliases are not supported", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.MarkedYAMLError(problem="a key that is not text", problem_mark=key_node.start_mark)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"{key}: given twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


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
    try:
        return cast(object, yaml.load(content, Loader=_TextLoader)) or ""  # noqa: S506  # a SafeLoader
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
