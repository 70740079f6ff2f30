"""Makes unpacked programs find their data files, whose absolute paths Debian compiled into them.

The path is replaced in the binary by one of the same length that leads through an inherited file descriptor, which a
wrapper of the program's name opens on the folder in the tree.
"""

from dataclasses import dataclass
from pathlib import Path

_DESCRIPTOR = b"/proc/self/fd/9"  # the highest that every shell takes in a redirection


@dataclass(frozen=True, slots=True)
class Relocation:
    """A program and the folder that it would look for at a fixed place."""

    program: str
    folder: str


RELOCATIONS = (
    Relocation("usr/bin/prometheus", "usr/share/prometheus/web"),
    Relocation("usr/bin/prometheus-alertmanager", "usr/share/prometheus/alertmanager"),
)


def relocate(root: Path) -> None:
    """Wrap those programs under `root` that need it and are not wrapped yet."""
    for each in RELOCATIONS:
        program = root / each.program
        if not program.is_file():
            continue
        binary = program.read_bytes()
        moved = moved_binary(binary, each.folder)
        if binary.startswith(b"#!") or moved == binary:
            continue
        hidden = root / "relocated" / program.name  # keeps the name that the process will have
        hidden.parent.mkdir(exist_ok=True)
        _replace(hidden, moved)
        _replace(program, wrapper(program.name, each).encode())


def moved_binary(binary: bytes, folder: str) -> bytes:
    """Return the binary with the absolute path of `folder` replaced; nothing moves in it."""
    path = f"/{folder}".encode()
    return binary.replace(path, _DESCRIPTOR + b"/" * (len(path) - len(_DESCRIPTOR)))


def wrapper(name: str, relocation: Relocation) -> str:
    """Return the shell script that stands in for the program."""
    up = "/".join([".."] * relocation.program.count("/"))
    return (
        "#!/bin/sh\n"
        f'root="$(dirname -- "$0")/{up}"\n'
        f'exec 9<"$root/{relocation.folder}" || exit 1\n'
        f'exec "$root/relocated/{name}" "$@"\n'
    )


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content)
    beside.chmod(0o755)
    beside.replace(path)
