"""What an engine does with a capture, line by line; run as a program it uses the uncompiled packet path."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.model import Flow
    from exporter.net.stream import End


class SourceOnly:
    """Finds the modules of the packet path as source, past their compiled twins."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return where the source of `name` is; None for other modules."""
        if not name.startswith("exporter.net."):
            return None
        found = PathFinder.find_spec("exporter", None)
        assert found is not None
        assert found.submodule_search_locations is not None
        file = Path(next(iter(found.submodule_search_locations)), "net", name.rpartition(".")[2] + ".py")
        return spec_from_file_location(name, file, loader=SourceFileLoader(name, str(file)))


class Writer:
    """A consumer that writes down every call and asks to skip by a rule that depends on the bytes."""

    def __init__(self, lines: list[str], number: int) -> None:
        self.lines = lines
        self.number = number

    def data(self, direction: int, payload: bytes, at: int) -> int:
        self.lines.append(f"{self.number} data {direction} {payload.hex()} {at}")
        return sum(payload) % 50 if len(payload) % 3 == 0 else 0

    def gap(self, direction: int, size_bytes: int, at: int) -> int:
        self.lines.append(f"{self.number} gap {direction} {size_bytes} {at}")
        return size_bytes % 7

    def end(self, reason: "End", at: int) -> None:
        self.lines.append(f"{self.number} end {reason.value} {at}")


def transcript(capture: bytes, fraction_ns: int = 1) -> tuple[str, list[str]]:
    """Return the file that the engine came from, and all it did with the records of a classic pcap."""
    from exporter.net import engine as module  # noqa: PLC0415 - after the finder was set

    lines: list[str] = []

    def open_stream(flow: "Flow", at: int) -> Writer | None:
        lines.append(f"open {flow} {at}")
        return None if flow.server.port % 5 == 4 else Writer(lines, len(lines))

    engine = module.Engine(open_stream, max_flows=12, buffer_bytes=20_000, idle_ns=10**9, datagrams=True, seed=12345)
    half = engine.records(capture[: len(capture) // 2], 24, False, fraction_ns, 1)
    engine.expire(3 * 10**9)
    rest = engine.records(capture, half, False, fraction_ns, 1)
    engine.close(10**12)
    lines.append(f"{half} {rest} {json.dumps(asdict(engine.counters()), sort_keys=True)}")
    return str(module.__file__), lines


if __name__ == "__main__":
    sys.meta_path.insert(0, SourceOnly)
    json.dump(transcript(sys.stdin.buffer.read()), sys.stdout)
