"""A server that is far away: `python -m tests.live.support.distance PORT SERVERS_PORT` passes bytes on, answers late.

Servers that answer within a fraction of a millisecond are no measure: a client's own processor time would be most of
what it measures. Behind a distance, what both see is the same.
"""

import asyncio
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live.support.processes import Command, free_port, running
from tests.live.support.stack import ROOT

MEDIAN_SECONDS = 0.02
SPREAD = 0.35  # of the logarithm
CHUNK_BYTES = 1 << 16


@contextmanager
def far_away(folder: Path, server: int) -> Iterator[int]:
    """Give the port of a server that passes everything on to the one at the port `server`."""
    port = free_port()
    command = Command(
        (sys.executable, "-m", "tests.live.support.distance", str(port), str(server)),
        folder / "distance.log",
        {"PYTHONPATH": str(ROOT)},
    )
    log = folder / "distance.log"
    with running(command, lambda: "ready" in log.read_text()):
        yield port


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float = 0.0) -> None:
    """Pass on what one side says, each piece after a while; a delay of 0 is none."""
    chance = random.Random(1)  # the same delays in every run
    while chunk := await reader.read(CHUNK_BYTES):
        if delay:
            await asyncio.sleep(delay * chance.lognormvariate(0, SPREAD))
        writer.write(chunk)
        await writer.drain()
    writer.close()


async def serve(port: int, server: int) -> None:
    """Serve until the process ends."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_connection("127.0.0.1", server)
        await asyncio.gather(
            pass_on(reader, questions), pass_on(answers, writer, MEDIAN_SECONDS), return_exceptions=True
        )

    listening = await asyncio.start_server(connected, "127.0.0.1", port)
    print("ready", flush=True)
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
