"""Talks to the kernel's bpf(2): maps, programs and what they are attached to; without a library.

Source: Linux, include/uapi/linux/bpf.h.
"""

import ctypes
import os
import platform
import struct

from exporter.sources.errors import SourceError

# The number of bpf(2) by what the machine calls itself.
NUMBERS = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "loongarch64": 280, "ppc64le": 361, "s390x": 351}
CREATE_MAP, LOOKUP, UPDATE, DELETE, LOAD, LINK, ITERATE = 0, 1, 2, 3, 5, 28, 33
HASH, ARRAY = 1, 2  # kinds of maps
NO_PREALLOCATION = 1
ATTRIBUTE_BYTES = 128  # what is not told is zero
_TRACING, _TRACE_ITERATOR = 26, 28
_LICENCE = b"Dual MIT/GPL"  # of programs that use helpers which are for nothing else
_LOG_BYTES = 1 << 20
_LOG_SHOWN = 300


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


def delete(map_descriptor: int, key: bytes) -> bool:
    """Remove one value of a map; return whether there was one."""
    held = ctypes.create_string_buffer(key, len(key))
    try:
        bpf(DELETE, _element(map_descriptor, held, None), "no value")
    except SourceError:
        return False
    return True


def load_iterator(name: str, program: bytes, target_type: int) -> int:
    """Return the descriptor of a program that is run for everything of one kind.

    Args:
        name: at most 15 letters, for those who list programs.
        target_type: the number of the function type `bpf_iter_...` among the kernel's types.

    Raises:
        SourceError: the kernel or this process's privileges do not allow it.
    """
    code = ctypes.create_string_buffer(program, len(program))
    licence = ctypes.create_string_buffer(_LICENCE)
    counts = (_TRACING, len(program) // 8, ctypes.addressof(code), ctypes.addressof(licence))

    def attempt(log: "ctypes.Array[ctypes.c_char] | None") -> int:
        logged = (1, len(log), ctypes.addressof(log)) if log is not None else (0, 0, 0)
        attributes = struct.pack(
            "=IIQQIIQ8x16s4xI36xI16x", *counts, *logged, name.encode(), _TRACE_ITERATOR, target_type
        )
        try:
            return bpf(LOAD, attributes, "the kernel refuses the program")
        except SourceError as error:
            reason = log.value.decode("ascii", "replace")[-_LOG_SHOWN:].strip() if log is not None else ""
            raise SourceError(f"{error}: {reason}" if reason else str(error)) from None

    try:
        return attempt(None)
    except SourceError:
        # Why, is only written down when asked for, which takes long.
        return attempt(ctypes.create_string_buffer(_LOG_BYTES))


def link(program_descriptor: int) -> int:
    """Attach an iterator's program; return the descriptor of the link.

    Raises:
        SourceError: the kernel refused it.
    """
    return bpf(LINK, struct.pack("=4I32x", program_descriptor, 0, _TRACE_ITERATOR, 0), "no link")


def run(link_descriptor: int) -> bytes:
    """Run an iterator's program for everything and return what it wrote.

    Raises:
        SourceError: the kernel refused it.
    """
    descriptor = bpf(ITERATE, struct.pack("=2I", link_descriptor, 0), "no iterator")
    try:
        parts = []
        while part := os.read(descriptor, 1 << 20):
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
        SourceError: it failed, or this machine's number of the call is not known.
    """
    number = NUMBERS.get(platform.machine())
    if number is None:
        raise SourceError(f"{what}: bpf(2) is not known on {platform.machine()}")
    buffer = ctypes.create_string_buffer(attributes, max(ATTRIBUTE_BYTES, len(attributes)))
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(ctypes.c_long(number), ctypes.c_int(command), buffer, ctypes.c_uint(len(buffer)))
    if result < 0:
        raise SourceError(f"{what}: {os.strerror(ctypes.get_errno())}")
    return int(result)
