"""Relocated programs: the same length, and data found through the wrapper."""

import subprocess
from pathlib import Path

from quickstart.relocation import RELOCATIONS, moved_binary, relocate


def test_a_moved_binary_keeps_every_other_byte_in_its_place() -> None:
    binary = b"\x00/usr/share/prometheus/alertmanager/ui/\xff tail"
    moved = moved_binary(binary, "usr/share/prometheus/alertmanager")
    assert len(moved) == len(binary)
    assert moved.startswith(b"\x00/proc/self/fd/9/")
    assert moved.endswith(b"//ui/\xff tail")


def test_every_path_is_long_enough_to_be_replaced() -> None:
    for each in RELOCATIONS:
        path = f"/{each.folder}".encode()
        assert len(moved_binary(path, each.folder)) == len(path)


def test_the_wrapped_program_reads_the_trees_own_files(tmp_path: Path) -> None:
    root = tmp_path / "a tree"
    program = root / RELOCATIONS[0].program
    data = root / RELOCATIONS[0].folder
    data.mkdir(parents=True)
    (data / "page").write_text("from the tree")
    program.parent.mkdir(parents=True)
    program.write_text(f'set -e\ncat /{RELOCATIONS[0].folder}/page\necho " $1"\n')
    program.chmod(0o755)
    relocate(root)
    relocate(root)  # wrapping the wrapper would lose the program
    done = subprocess.run([str(program), "x y"], capture_output=True, text=True, timeout=10, check=True)
    assert done.stdout == "from the tree x y\n"


def test_what_has_no_such_path_is_left_alone(tmp_path: Path) -> None:
    program = tmp_path / RELOCATIONS[1].program
    program.parent.mkdir(parents=True)
    program.write_bytes(b"upstream's own build")
    relocate(tmp_path)
    assert program.read_bytes() == b"upstream's own build"
