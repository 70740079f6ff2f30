"""Fuzzes the layers, guided by coverage where atheris is installed, else by chance.

    python -m tests.fuzz [--seconds SECONDS] [--jobs JOBS] [LAYER ...]

By default the layers of the packet path take half an hour together, and each parser ten minutes.

What breaks a bound is written to `findings/` here, where `test_findings.py` holds it from then on. Coverage is that of
Python code, so everything runs uncompiled.
"""

import argparse
import hashlib
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

FINDINGS = Path(__file__).parent / "findings"
MOST_MEGABYTES = 512
PARSER = "parse_"
PACKET_PATH_SECONDS, PARSER_SECONDS = 30 * 60, 10 * 60
PCAPS = Path(__file__).parents[1] / "pcaps"


def seeds(layer: str) -> list[bytes]:
    """Return what to begin with: samples of a protocol, or pieces of real captures, in the layer's own form."""
    if layer.startswith(PARSER):
        found: list[bytes] = import_module("tests.fuzz.parsing").seeds(layer)  # late, to be instrumented
        return found
    captures = [path.read_bytes()[:3000] for path in sorted(PCAPS.glob("*.pcap"))]
    if layer == "captures":
        return captures
    pieces = []
    for capture in captures:
        frames = [capture[at : at + 120] for at in range(40, len(capture) - 120, 160)]
        if layer == "frames":
            pieces += [b"\1\0\0" + frame for frame in frames]
        else:
            pieces.append(b"".join(bytes([len(frame), 1]) + frame for frame in frames[:12]))
    return pieces


def by_chance(layer: Callable[[bytes], None], corpus: list[bytes], seconds: float, dice: random.Random) -> bytes | None:
    """Feed random changes of the corpus for so long; return the bytes that broke a bound, None if nothing did."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = bytearray(dice.choice(corpus))
        for _ in range(dice.randrange(1, 12)):
            change(data, dice)
        try:
            layer(bytes(data))
        except Exception as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return bytes(data)
    return None


def change(data: bytearray, dice: random.Random) -> None:
    """Change, remove or repeat a piece."""
    at = dice.randrange(len(data) + 1)
    size = dice.randrange(1, 9)
    kind = dice.randrange(4)
    if kind == 0:
        data[at : at + size] = dice.randbytes(min(size, len(data) - at))
    elif kind == 1:
        del data[at : at + size]
    elif kind == 2:
        data[at:at] = data[: size * 4]
    else:
        data[at : at + 1] = bytes([dice.choice((0, 1, 0x7F, 0x80, 0xFF))])


def guided(name: str, seconds: int) -> None:
    """Run libFuzzer in this process, which it ends."""
    import atheris  # noqa: PLC0415 - an extra, and only here

    import_module("tests.exporter.uncompiled")  # else the compiled twins, which cannot be instrumented, are found
    with atheris.instrument_imports(include=["exporter"]):
        from tests.fuzz.layers import LAYERS  # noqa: PLC0415 - to be instrumented
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds(name)):
            Path(corpus, str(number)).write_bytes(seed)
        options = [f"-max_total_time={seconds}", "-max_len=4096", f"-artifact_prefix={FINDINGS}/{name}-"]
        options += ["-timeout=20", f"-rss_limit_mb={MOST_MEGABYTES}"]
        atheris.Setup([sys.argv[0], *options, "-print_final_stats=1", corpus], LAYERS[name])
        atheris.Fuzz()


def fuzz(name: str, seconds: int) -> bool:
    """Fuzz one layer; return whether it held."""
    FINDINGS.mkdir(exist_ok=True)
    print(f"{name}: {seconds} s", flush=True)
    if find_spec("atheris"):
        command = [sys.executable, "-m", "tests.fuzz", "--guided", "--seconds", str(seconds), name]
        return subprocess.run(command, check=False).returncode == 0
    from tests.fuzz.layers import LAYERS  # noqa: PLC0415 - instrumented elsewhere

    found = by_chance(LAYERS[name], seeds(name), seconds, random.Random())
    if found is not None:
        (FINDINGS / f"{name}-{hashlib.sha256(found).hexdigest()[:16]}").write_bytes(found)
    return found is None


def main() -> int:
    """Run; return 1 if a layer failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layers", nargs="*", help="by default all: the packet path's and every parser's")
    parser.add_argument("--seconds", type=int, help="of each layer")
    parser.add_argument("--jobs", type=int, default=1, help="layers at a time, where coverage guides")
    parser.add_argument("--guided", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.guided:
        guided(arguments.layers[0], arguments.seconds)
    known = import_module("tests.fuzz.layers").LAYERS
    names = arguments.layers or list(known)
    if unknown := [name for name in names if name not in known]:
        parser.error(f"no layer {unknown[0]!r}; there are {', '.join(known)}")
    with ThreadPoolExecutor(arguments.jobs if find_spec("atheris") else 1) as running:
        held = list(running.map(lambda name: fuzz(name, arguments.seconds or usual_seconds(name, known)), names))
    return 0 if all(held) else 1  # every one ran, whatever the others did


def usual_seconds(name: str, known: Iterable[str]) -> int:
    """Return for how long a layer is fuzzed if nothing else is said."""
    if name.startswith(PARSER):
        return PARSER_SECONDS
    return PACKET_PATH_SECONDS // sum(not other.startswith(PARSER) for other in known)


if __name__ == "__main__":
    sys.exit(main())
