"""Messages of a real WebSocket server and its clients, compressed and not, by their own counts."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.live.support import stack
from tests.live.support.processes import Command, free_port, running
from tests.live.support.seen import UNSHED, Seen, settled

pytestmark = [pytest.mark.long, pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
MESSAGES, NEWS = 800, 3
SEED = 44

# Answers each message by some news, and logs how many messages it got and gave on each connection.
APPLICATION = """
import asyncio, sys
from websockets.asyncio.server import serve

async def talk(connection):
    got = gave = 0
    async for message in connection:
        got += 1
        for _ in range(got % {news}):
            await connection.send(message[:50])
        await connection.send(message)
        gave += 1 + got % {news}
    print(got, gave, flush=True)

async def main():
    async with serve(talk, "127.0.0.1", int(sys.argv[1])):
        print("ready", flush=True)
        await asyncio.Future()

asyncio.run(main())
"""


@contextmanager
def news(folder: Path) -> Iterator[int]:
    """Run the server."""
    (folder / "news.py").write_text(APPLICATION.format(news=NEWS))
    port, log = free_port(), folder / "news.log"
    with running(Command((sys.executable, folder / "news.py", str(port)), log), lambda: "ready" in log.read_text()):
        yield port


def ask(connection: ClientConnection, chance: random.Random) -> int:
    """Return how many messages came."""
    came = 0
    for number in range(1, MESSAGES + 1):
        # Some have a length in each of the three forms, some are bytes, some come in fragments.
        size = 70_000 if number % 50 == 0 else chance.choice((10, 100, 5000))
        text = "".join(chance.choices("abcdefgh", k=10)) * (size // 10)
        if number % 10 == 0:
            connection.send([text[: size // 2], text[size // 2 :]])
        else:
            connection.send(text.encode() if number % 3 else text)
        for _ in range(1 + number % NEWS):
            connection.recv(timeout=10)
            came += 1
        if number % 100 == 0:
            connection.ping().wait(10)
    return came


@pytest.mark.parametrize("compression", ["deflate", None])
def test_messages_equal_both_sides_counts(tmp_path: Path, compression: str | None) -> None:
    with stack.exporter(tmp_path, *UNSHED) as exporter, news(tmp_path) as port:
        with connect(f"ws://127.0.0.1:{port}", compression=compression) as connection:
            came = ask(connection, random.Random(SEED))

        def told(seen: Seen) -> dict[str, float]:
            return seen.by("operation", "larimar_messages_total", messaging_system="websocket")

        seen = settled(exporter, port, lambda seen: sum(told(seen).values()) >= MESSAGES + came)
        log = (tmp_path / "news.log").read_text()
    assert log.splitlines()[-1] == f"{MESSAGES} {came}"
    assert told(seen) == {"to-server": MESSAGES, "to-client": came}, seen.losses()
    assert seen.service == "news"
    assert seen.by("status_class", "larimar_http_requests_total") == {"1xx": 1}
    assert seen.total("larimar_request_errors_total") == 0
