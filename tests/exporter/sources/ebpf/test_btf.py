"""The kernel's description of its types, as a few of them would be described."""

import struct
from pathlib import Path

import pytest

from exporter.sources.ebpf.btf import layout
from exporter.sources.errors import SourceError

INT, POINTER, STRUCT, TYPEDEF, CONST, FUNCTION, PROTOTYPE = 1, 2, 4, 8, 10, 12, 13
BIT_FIELDS = 1 << 31


class Described:
    """Types as they are added, numbered from 1."""

    def __init__(self) -> None:
        self.types = b""
        self.text = b"\0"

    def name(self, text: str) -> int:
        """Return where a name is; each is there once."""
        place = self.text.find(b"\0%b\0" % text.encode()) + 1
        if place or not text:
            return place
        self.text += text.encode() + b"\0"
        return len(self.text) - len(text) - 1

    def add(self, kind: int, name: str, size_or_type: int, rest: bytes = b"", count: int = 0, flag: int = 0) -> None:
        self.types += struct.pack("=III", self.name(name), kind << 24 | count | flag, size_or_type) + rest

    def members(self, *members: tuple[str, int, int]) -> bytes:
        return b"".join(struct.pack("=III", self.name(name), kind, bits) for name, kind, bits in members)

    def btf(self) -> bytes:
        sizes = (0, len(self.types), len(self.types), len(self.text))
        return struct.pack("=HBBIIIII", 0xEB9F, 1, 0, 24, *sizes) + self.types + self.text


def kernel() -> bytes:
    """Return a description in which `task.io.calls` lies in a nameless structure, behind another name and a quality."""
    described = Described()
    described.add(INT, "int", 4, bytes(4))  # 1
    described.add(STRUCT, "io", 16, described.members(("bytes", 1, 0), ("calls", 1, 64)), 2)  # 2
    described.add(TYPEDEF, "io_t", 2)  # 3
    described.add(CONST, "", 3)  # 4
    inner = described.members(("pid", 1, 32), ("io", 4, 64))
    described.add(STRUCT, "", 24, inner, 2)  # 5, nameless
    outer = described.members(("flag", 1, 3 << 24 | 5), ("", 5, 64))
    described.add(STRUCT, "task", 32, outer, 2, BIT_FIELDS)  # 6
    described.add(PROTOTYPE, "", 0, struct.pack("=II", 0, 1), 1)  # 7
    described.add(FUNCTION, "iterate", 7)  # 8
    return described.btf()


def test_members_are_found_in_nameless_structures_and_behind_other_names() -> None:
    found = layout(kernel(), ["task.flag", "task.pid", "task.io.calls", "io.calls"], ["iterate"])

    assert found.offsets == {"task.flag": 0, "task.pid": 12, "task.io.calls": 24, "io.calls": 8}
    assert found.functions == {"iterate": 8}


@pytest.mark.parametrize("member", ["task.nice", "task.io.errors", "thread.pid", "task.pid.nr"])
def test_what_is_missing_is_named(member: str) -> None:
    with pytest.raises(SourceError, match="this kernel has no"):
        layout(kernel(), [member])


def test_a_missing_function_is_named() -> None:
    with pytest.raises(SourceError, match="this kernel has no int"):
        layout(kernel(), [], ["int"])


@pytest.mark.parametrize("size", [0, 10, 24, 60, -1])
def test_what_is_cut_short_or_something_else_is_refused(size: int) -> None:
    with pytest.raises(SourceError, match="no description of the kernel's types"):
        layout(kernel()[:size], ["task.pid"])
    with pytest.raises(SourceError, match="begins with 7f454c46"):
        layout(b"\x7fELF" + kernel()[4:], ["task.pid"])


def test_a_kind_of_type_from_the_future_is_refused() -> None:
    described = Described()
    described.add(25, "novelty", 4)
    with pytest.raises(SourceError, match="unknown kind"):
        layout(described.btf(), ["task.pid"])


def test_the_running_kernels_own_types_are_read() -> None:
    types = Path("/sys/kernel/btf/vmlinux")
    if not types.exists():
        pytest.skip("this kernel does not describe its types")
    found = layout(types.read_bytes(), ["task_struct.pid", "task_struct.tgid", "list_head.next", "list_head.prev"])
    assert (found.offsets["list_head.next"], found.offsets["list_head.prev"]) == (0, 8)
    assert found.offsets["task_struct.tgid"] == found.offsets["task_struct.pid"] + 4
