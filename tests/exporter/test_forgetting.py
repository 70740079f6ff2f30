"""Nothing of a payload is kept after its message was parsed, wherever it stood, by any protocol of the registry.

The packet path, compiled as it is, hears the sample connections of every protocol in a process of its own, whose whole
memory is then searched for the secret that the samples hold in literals, keys, bodies, names and credentials. Freed
memory is overwritten there, so that what is found was kept.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from exporter.protocols import PROTOCOLS
from tests.exporter.listening import VEIL
from tests.exporter.net.packets import ACK, PSH, SERVER, SYN, Side, tcp, udp
from tests.exporter.protocols.conversing import Step
from tests.exporter.protocols.sample import SECRET
from tests.exporter.protocols.samples import SAMPLES

ROOT = Path(__file__).parents[2]
FORMS = (SECRET, SECRET.lower(), SECRET.upper())
START = 1_700_000_000 * 10**9
CHUNK = 1 << 24
# Python overwrites what it frees; the C library what Python moves as it grows, unless a thread's cache takes it.
WIPING = {"PYTHONMALLOC": "debug", "MALLOC_PERTURB_": "90", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
AROUND = 48
SKIPPED = ("[stack]", "[vvar]", "[vdso]", "[vsyscall]")


def conversation(client: Side, steps: tuple[Step, ...], transport: str) -> Iterator[bytes]:
    """Yield the frames of a connection that stays open."""
    if transport == "udp":
        for step in steps:
            yield udp(*((SERVER, client) if step.direction else (client, SERVER)), step.payload)
        return
    yield tcp(client, SERVER, 0, flags=SYN)
    yield tcp(SERVER, client, 0, flags=SYN | ACK, ack=1)
    numbers = [1, 1]
    for step in steps:
        ends = (SERVER, client) if step.direction else (client, SERVER)
        yield tcp(*ends, numbers[step.direction], step.payload, PSH | ACK, numbers[1 - step.direction])
        numbers[step.direction] += len(step.payload)


def frames() -> Iterator[bytes]:
    """Yield the frames of all samples, and of a connection that nothing is known of, then one without any payload."""
    ports = count(20_000)
    for spec in PROTOCOLS:
        for sample in SAMPLES.get(spec.name, ()):
            for transport in spec.transports:
                yield from conversation(("10.0.0.1", next(ports)), sample.steps, transport)
    unknown = tuple(Step(number % 2, b"\x01\x02" + SECRET + b"\x03\n") for number in range(80))
    yield from conversation(("10.0.0.1", next(ports)), unknown, "tcp")
    yield tcp(("10.0.0.1", next(ports)), SERVER, 0, flags=SYN)


def found_in(process: int) -> list[bytes]:
    """Return the surroundings of each place in another process's memory that holds the secret."""
    found = []
    folder = Path(f"/proc/{process}")
    with (folder / "maps").open() as maps, (folder / "mem").open("rb", buffering=0) as memory:
        for line in maps:
            span, access, *rest = line.split()
            if not access.startswith("rw") or (rest and rest[-1] in SKIPPED):
                continue
            begin, end = (int(place, 16) for place in span.split("-"))
            content = b"".join(os.pread(memory.fileno(), CHUNK, at) for at in range(begin, end, CHUNK))[: end - begin]
            for form in FORMS:
                at = content.find(form)
                while at >= 0:
                    found.append(content[max(0, at - AROUND) : at + AROUND])
                    at = content.find(form, at + 1)
    return found


def heard(*arguments: str) -> list[bytes]:
    """Return what of the samples' secret is in the memory of a process that heard them."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.exporter.listening", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | WIPING,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number, frame in enumerate(frames()):
            process.stdin.write(b"%d %s\n" % (START + number * 1_000_000, frame.translate(VEIL).hex().encode()))
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.stdout.readline().startswith(b"heard ")
        try:
            return found_in(process.pid)
        except (PermissionError, FileNotFoundError) as error:
            pytest.skip(f"another process's memory must not be read: {error}")
        finally:
            process.stdin.close()


def test_every_protocol_has_the_secret_among_its_samples() -> None:
    without = {
        spec.name
        for spec in PROTOCOLS
        if not any(SECRET in step.payload for sample in SAMPLES.get(spec.name, ()) for step in sample.steps)
    }
    assert without == set()


def test_no_payload_is_kept_by_any_protocol() -> None:
    assert heard() == []


def test_what_is_kept_is_found() -> None:
    assert heard("--keep") != []
