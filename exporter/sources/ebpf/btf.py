"""Reads where the running kernel keeps the members of its structures, from its own description of types.

Source: Linux, Documentation/bpf/btf.rst.
"""

import struct
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from exporter.sources.errors import SourceError

TYPES = Path("/sys/kernel/btf/vmlinux")
_HEADER = struct.Struct("=HBBIIIII")
_TYPE = struct.Struct("=III")
_MEMBER = struct.Struct("=III")
_MAGIC = 0xEB9F
_STRUCT, _UNION, _FUNCTION = 4, 5, 12
# What follows a type of each kind: bytes of its own, and bytes for each of its elements.
_OWN_BYTES = {1: 4, 3: 12, 14: 4, 17: 4}
_ELEMENT_BYTES = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}
_KINDS = 20


@dataclass(frozen=True, slots=True)
class Layout:
    """What was asked of the kernel's types.

    Attributes:
        offsets: `structure.member` -> bytes from its beginning; `a.b.c` is a member of a member.
        functions: name -> type.
    """

    offsets: Mapping[str, int]
    functions: Mapping[str, int]


def layout_of(types: Path, members: Iterable[str], functions: Iterable[str] = ()) -> Layout:
    """Find members and functions in a file such as `TYPES`.

    Raises:
        SourceError: it cannot be read, is none, or something is missing in it.
    """
    try:
        return layout(types.read_bytes(), members, functions)
    except OSError as error:
        raise SourceError(f"the kernel's types cannot be read: {error}") from None


def layout(btf: bytes, members: Iterable[str], functions: Iterable[str] = ()) -> Layout:
    """Find members and functions.

    Args:
        btf: /sys/kernel/btf/vmlinux.
        members: such as `task_struct.se.sum_exec_runtime`.

    Raises:
        SourceError: it is none, or something is missing in it.
    """
    types = _Types(btf)
    wanted = list(members)
    places = types.find(_STRUCT, {member.partition(".")[0] for member in wanted})
    return Layout({member: types.offset(places, member) for member in wanted}, types.find(_FUNCTION, set(functions)))


class _Types:
    """Types by their number, which is their place in the list."""

    def __init__(self, btf: bytes) -> None:
        try:
            magic, _, _, header, type_offset, type_bytes, text_offset, text_bytes = _HEADER.unpack_from(btf)
        except struct.error as error:
            raise SourceError(f"no description of the kernel's types: {error}") from None
        if magic != _MAGIC or header + max(type_offset + type_bytes, text_offset + text_bytes) > len(btf):
            raise SourceError(f"no description of the kernel's types: begins with {btf[:4].hex()}")
        self._btf = btf
        self._text: int = header + text_offset
        self._text_end: int = self._text + text_bytes
        self._starts = self._scan(header + type_offset, header + type_offset + type_bytes)

    def _scan(self, at: int, end: int) -> "array[int]":
        starts = array("I", (0,))  # type 0 is void
        own = [_OWN_BYTES.get(kind, 0) + _TYPE.size for kind in range(_KINDS)]
        each = [_ELEMENT_BYTES.get(kind, 0) for kind in range(_KINDS)]
        read = struct.Struct("=4xI").unpack_from
        btf, append = self._btf, starts.append
        try:
            while at < end:
                append(at)
                (info,) = read(btf, at)
                kind = info >> 24 & 31
                at += own[kind] + each[kind] * (info & 0xFFFF)
        except (IndexError, struct.error):
            raise SourceError(f"the kernel's types are of an unknown kind at {at}") from None
        return starts

    def find(self, kind: int, names: set[str]) -> dict[str, int]:
        """Return the first type of a kind by each name.

        Raises:
            SourceError: there is none.
        """
        if not names:
            return {}
        places = {self._name_place(name): name for name in names}
        found: dict[str, int] = {}
        for number in range(1, len(self._starts)):
            name, info, _ = _TYPE.unpack_from(self._btf, self._starts[number])
            if name in places and info >> 24 & 31 == kind:
                found.setdefault(places[name], number)
                if len(found) == len(names):
                    return found
        raise SourceError(f"this kernel has no {', '.join(sorted(names - found.keys()))}")

    def _name_place(self, name: str) -> int:
        place = self._btf.find(b"\0%b\0" % name.encode(), self._text, self._text_end)
        if place < 0:
            raise SourceError(f"this kernel has no {name}")
        return place + 1 - self._text

    def offset(self, places: Mapping[str, int], member: str) -> int:
        """Return a member's offset in bytes.

        Raises:
            SourceError: there is no such member.
        """
        structure, *path = member.split(".")
        number, bits = places[structure], 0
        for name in path:
            found = self._member(number, self._name_place(name))
            if found is None:
                raise SourceError(f"this kernel has no {member}")
            number, bits = found[0], bits + found[1]
        return bits // 8

    def _member(self, number: int, name: int) -> tuple[int, int] | None:
        """Return the type and the offset in bits of a member, also of one in a nameless structure inside."""
        at = self._starts[number]
        _, info, target = _TYPE.unpack_from(self._btf, at)
        kind = info >> 24 & 31
        if kind in (8, 9, 10, 11, 18):  # other names and qualities of a type
            return self._member(target, name)
        if kind not in (_STRUCT, _UNION):
            return None
        mask = 0xFFFFFF if info >> 31 else 0xFFFFFFFF  # with bit fields the upper byte is their size
        for index in range(info & 0xFFFF):
            found, inner, bits = _MEMBER.unpack_from(self._btf, at + _TYPE.size + index * _MEMBER.size)
            if found == name:
                return inner, bits & mask
            if found == 0 and (deeper := self._member(inner, name)) is not None:
                return deeper[0], deeper[1] + (bits & mask)
        return None
