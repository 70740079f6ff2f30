"""Talks to the kernel's bpf(2): maps, programs and what they are attached to; without a library.

Source: Linux, include/uapi/linux/bpf.h.
"""

import ctypes
import errno
import os
import platform
import struct
from functools import cache

from exporter.sources.errors import SourceError

# The number of bpf(2) by what the machine calls itself.
NUMBERS = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "loongarch64": 280, "ppc64le": 361, "s390x": 351}
CREATE_MAP, LOOKUP, UPDATE, DELETE, LOAD, OPEN_TRACEPOINT, TAKE_BATCH, LINK, ITERATE = 0, 1, 2, 3, 5, 17, 25, 28, 33
QUERY, UPDATE_LINK = 16, 29
HASH, ARRAY, LRU_HASH, RING_BUFFER = 1, 2, 9, 27  # kinds of maps
NO_PREALLOCATION, MAPPABLE = 1, 1 << 10
ATTRIBUTE_BYTES = 128  # what is not told is zero
NOT_PERMITTED, NOT_SUPPORTED = "not permitted", "not supported"
_SOCKET_FILTER, _CLASSIFIER, _RAW_TRACEPOINT, _TRACING, _TRACE_ITERATOR = 1, 3, 17, 26, 28
_TCX_INGRESS = 46
_LICENCE = b"Dual MIT/GPL"  # of programs that use helpers which are for nothing else
_LOG_BYTES = 1 << 20
_LOG_SHOWN = 300
_READ_BYTES = 1 << 16  # the kernel writes half of it at a time


class BpfError(SourceError):
    """The kernel refused something; `reason` is `NOT_PERMITTED` or `NOT_SUPPORTED`."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def create_map(kind: int, key_bytes: int, value_bytes: int, entries: int, flags: int = 0) -> int:
    """Return the descriptor of a new map.

    Raises:
        SourceError: the kernel refused it.
    """
    return bpf(CREATE_MAP, struct.pack("=5I", kind, key_bytes, value_bytes, entries, flags), "no map")


def update(map_descriptor: int, key: bytes, value: bytes) -> None:
    """Set one value of a map.

    Raises:
        SourceError: the kernel refused it.
    """
    held = ctypes.create_string_buffer(key, len(key)), ctypes.create_string_buffer(value, len(value))
    bpf(UPDATE, _element(map_descriptor, *held), "no value")


def look_up(map_descriptor: int, key: bytes, value_bytes: int) -> bytes:
    """Return one value of a map.

    Raises:
        SourceError: it has none, or the kernel refused it.
    """
    held = ctypes.create_string_buffer(key, len(key)), ctypes.create_string_buffer(value_bytes)
    bpf(LOOKUP, _element(map_descriptor, *held), "no value")
    return held[1].raw


def take_all(map_descriptor: int, key_bytes: int, value_bytes: int, most: int) -> tuple[bytes, bytes]:
    """Return all keys of a hash and their values, both in one row, and remove them; needs Linux 5.6.

    Args:
        most: how many it may hold.

    Raises:
        SourceError: the kernel refused it.
    """
    keys, values = ctypes.create_string_buffer(key_bytes * most), ctypes.create_string_buffer(value_bytes * most)
    after = ctypes.create_string_buffer(max(8, key_bytes))
    taken, begins = 0, 0
    while taken < most:
        places = ctypes.addressof(keys) + key_bytes * taken, ctypes.addressof(values) + value_bytes * taken
        count, is_last = _take_some(map_descriptor, (begins, ctypes.addressof(after)), places, most - taken)
        taken += count
        if is_last:
            break
        begins = ctypes.addressof(after)
    return keys.raw[: key_bytes * taken], values.raw[: value_bytes * taken]


def _take_some(map_descriptor: int, way: tuple[int, int], places: tuple[int, int], room: int) -> tuple[int, bool]:
    """Take what fits; return how many that was, and whether nothing is left."""
    attributes = struct.pack("=QQQQII16x", *way, *places, room, map_descriptor)
    buffer = ctypes.create_string_buffer(attributes, ATTRIBUTE_BYTES)
    code = _call(TAKE_BATCH, buffer)
    (count,) = struct.unpack_from("=I", buffer.raw, 32)
    if code < 0 and ctypes.get_errno() != errno.ENOENT:
        raise SourceError(f"no values: {os.strerror(ctypes.get_errno())}")
    return count, code < 0


def delete(map_descriptor: int, key: bytes) -> bool:
    """Remove one value of a map; return whether there was one."""
    held = ctypes.create_string_buffer(key, len(key))
    try:
        bpf(DELETE, _element(map_descriptor, held, None), "no value")
    except SourceError:
        return False
    return True


def load_filter(program: bytes) -> int:
    """Return the descriptor of a socket filter.

    Raises:
        BpfError: the kernel or this process's privileges do not allow it.
    """
    return _load(_SOCKET_FILTER, program, b"")


def load_classifier(program: bytes) -> int:
    """Return the descriptor of a program for `attach_ingress`.

    Raises:
        BpfError: the kernel or this process's privileges do not allow it.
    """
    return _load(_CLASSIFIER, program, b"")


def load_iterator(name: str, program: bytes, target_type: int) -> int:
    """Return the descriptor of a program that is run for everything of one kind.

    Args:
        name: at most 15 letters, for those who list programs.
        target_type: the number of the function type `bpf_iter_...` among the kernel's types.

    Raises:
        SourceError: the kernel or this process's privileges do not allow it.
    """
    ending = struct.pack("=8x16s4xI36xI16x", name.encode(), _TRACE_ITERATOR, target_type)
    return _load(_TRACING, program, ending)


def load_tracepoint(program: bytes) -> int:
    """Return the descriptor of a program that is run at a raw tracepoint.

    Raises:
        SourceError: the kernel or this process's privileges do not allow it.
    """
    return _load(_RAW_TRACEPOINT, program, b"")


def _load(kind: int, program: bytes, ending: bytes) -> int:
    code = ctypes.create_string_buffer(program, len(program))
    licence = ctypes.create_string_buffer(_LICENCE)
    counts = (kind, len(program) // 8, ctypes.addressof(code), ctypes.addressof(licence))

    def attempt(log: "ctypes.Array[ctypes.c_char] | None") -> int:
        logged = (1, len(log), ctypes.addressof(log)) if log is not None else (0, 0, 0)
        try:
            return bpf(LOAD, struct.pack("=IIQQIIQ", *counts, *logged) + ending, "the kernel refuses the program")
        except BpfError as error:
            said = log.value.decode("ascii", "replace")[-_LOG_SHOWN:].strip() if log is not None else ""
            raise BpfError(f"{error}: {said}" if said else str(error), error.reason) from None

    try:
        return attempt(None)
    except BpfError:
        # Why, is only written down when asked for, which takes long.
        return attempt(ctypes.create_string_buffer(_LOG_BYTES))


def attach_tracepoint(name: str, program_descriptor: int) -> int:
    """Have a program run at a raw tracepoint; return the descriptor that keeps it there.

    Raises:
        SourceError: the kernel or this process's privileges do not allow it.
    """
    text = ctypes.create_string_buffer(name.encode())
    return bpf(OPEN_TRACEPOINT, struct.pack("=QI4x", ctypes.addressof(text), program_descriptor), "no tracepoint")


def attach_ingress(program_descriptor: int, interface: int) -> int:
    """Have a program run for what an interface receives; return the descriptor that keeps it there. Needs Linux 6.6.

    Raises:
        BpfError: not permitted, not supported, or others have programs there, which may hide packets from this one.
    """
    asked = ctypes.create_string_buffer(struct.pack("=3I", interface, _TCX_INGRESS, 0), ATTRIBUTE_BYTES)
    if _call(QUERY, asked) < 0:
        raise BpfError(f"no programs at an interface: {os.strerror(ctypes.get_errno())}", NOT_SUPPORTED)
    (others,) = struct.unpack_from("=I", asked.raw, 24)
    if others:
        raise BpfError(f"{others} programs of others are at the interface", NOT_SUPPORTED)
    return bpf(LINK, struct.pack("=4I", program_descriptor, interface, _TCX_INGRESS, 0), "no program at an interface")


def replace(link_descriptor: int, program_descriptor: int) -> None:
    """Have another program run where one is attached, from the next packet on.

    Raises:
        BpfError: the kernel refused it.
    """
    bpf(UPDATE_LINK, struct.pack("=2I", link_descriptor, program_descriptor), "no other program")


def link(program_descriptor: int, map_descriptor: int = 0) -> int:
    """Attach an iterator's program; return the descriptor of the link.

    Args:
        map_descriptor: whose elements are gone through, 0 for what is gone through without a map.

    Raises:
        SourceError: the kernel refused it.
    """
    info = ctypes.create_string_buffer(struct.pack("=I12x", map_descriptor), 16)
    told = (ctypes.addressof(info), len(info)) if map_descriptor else (0, 0)
    return bpf(LINK, struct.pack("=4IQI20x", program_descriptor, 0, _TRACE_ITERATOR, 0, *told), "no link")


def run(link_descriptor: int) -> bytes:
    """Run an iterator's program for everything and return what it wrote.

    Raises:
        SourceError: the kernel refused it.
    """
    descriptor = bpf(ITERATE, struct.pack("=2I", link_descriptor, 0), "no iterator")
    try:
        parts = []
        while part := os.read(descriptor, _READ_BYTES):
            parts.append(part)
        return b"".join(parts)
    except OSError as error:
        raise SourceError(f"the iterator cannot be read: {error}") from None
    finally:
        os.close(descriptor)


def _element(
    map_descriptor: int, key: "ctypes.Array[ctypes.c_char]", value: "ctypes.Array[ctypes.c_char] | None"
) -> bytes:
    return struct.pack(
        "=I4xQQQ", map_descriptor, ctypes.addressof(key), 0 if value is None else ctypes.addressof(value), 0
    )


def bpf(command: int, attributes: bytes, what: str) -> int:
    """Call bpf(2); return what it returns.

    Args:
        what: what there is not if it fails, for the message.

    Raises:
        BpfError: it failed, or this machine's number of the call is not known.
    """
    if not _number():
        raise BpfError(f"{what}: bpf(2) is not known on {platform.machine()}", NOT_SUPPORTED)
    result = _call(command, ctypes.create_string_buffer(attributes, max(ATTRIBUTE_BYTES, len(attributes))))
    if result < 0:
        code = ctypes.get_errno()
        reason = NOT_PERMITTED if code in (errno.EPERM, errno.EACCES) else NOT_SUPPORTED
        raise BpfError(f"{what}: {os.strerror(code)}", reason)
    return result


def _call(command: int, buffer: "ctypes.Array[ctypes.c_char]") -> int:
    return int(_syscall()(_number(), command, buffer, len(buffer)))


@cache
def _syscall() -> "ctypes._NamedFuncPointer":
    called = ctypes.CDLL(None, use_errno=True).syscall
    called.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint)
    return called


def _number() -> int:
    """Return bpf(2)'s number on this machine, 0 where it is not known."""
    return NUMBERS.get(platform.machine(), 0)
