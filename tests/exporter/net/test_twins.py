"""The compiled packet path does exactly what its source does."""

import json
import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import exporter.net.engine
from tests.exporter.net.packets import ethernet, tcp, udp
from tests.exporter.net.transcript import transcript

ADDRESSES = ("10.0.0.1", "10.0.0.2", "255.255.255.255", "fd00::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
SEQUENCES = (0, 1, 5, 40, 100, 2**30, 2**31 - 1, 2**31, 2**32 - 30, 2**32 - 1)


def packet(dice: random.Random) -> bytes:
    """Return a random frame: mostly segments of few flows, some datagrams, fragments, garbage."""
    family = ADDRESSES[:3] if dice.random() < 0.8 else ADDRESSES[3:]
    sides = [(dice.choice(family), dice.choice((80, 443, 40000, 65535))) for _ in range(2)]
    body = dice.randbytes(dice.choice((0, 1, 3, 9, 60)))
    kind = dice.random()
    if kind < 0.1:
        return udp(sides[0], sides[1], body)
    if kind < 0.15:
        return ethernet(dice.randbytes(dice.randrange(1, 80)))
    flags = dice.choice((16, 16, 16, 24, 2, 18, 17, 20, 4, 0))
    numbers = [(dice.choice(SEQUENCES) + dice.randrange(80)) % 2**32 for _ in range(2)]
    frame = bytearray(tcp(sides[0], sides[1], numbers[0], body, flags, numbers[1]))
    if kind < 0.35:
        for _ in range(dice.randrange(1, 4)):
            frame[dice.randrange(len(frame))] = dice.randrange(256)
    return bytes(frame)


def capture(seed: int, count: int) -> bytes:
    """Return a classic pcap with nanoseconds of random packets, some cut, some times going back."""
    dice = random.Random(seed)
    records = [bytes(24)]
    now = 0
    for _ in range(count):
        frame = packet(dice)
        captured = frame[: dice.randrange(len(frame))] if dice.random() < 0.1 else frame
        now = max(0, now + dice.choice((0, 1000, 10**6, 3 * 10**8, -1000)))
        records.append(struct.pack("<IIII", now // 10**9, now % 10**9, len(captured), len(frame)) + captured)
    return b"".join(records)


@pytest.mark.parametrize("seed", range(4))
def test_source_and_compiled_twin_do_the_same(seed: int) -> None:
    data = capture(seed, 3000)
    arguments = [sys.executable, "-m", "tests.exporter.net.transcript"]
    root = Path(__file__).parents[3]
    run = subprocess.run(arguments, input=data, capture_output=True, check=True, cwd=root, timeout=120)
    file, lines = json.loads(run.stdout)
    assert file.endswith("engine.py")
    assert transcript(data)[1] == lines
    assert sum(" data " in line for line in lines) > 100


def test_the_compiled_twin_is_in_use_where_it_was_built() -> None:
    built = list(Path(exporter.net.engine.__file__).parent.glob("engine.*.so"))
    if not built:
        pytest.skip("not compiled: no C compiler when it was installed")
    assert Path(exporter.net.engine.__file__) in built
