"""Messages of NATS' own client, by what the server counted itself."""

import asyncio
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.live.support import stack
from tests.live.support.nats import DENIED
from tests.live.support.nats import nats as nats_server
from tests.live.support.seen import UNSHED, settled

pytestmark = [pytest.mark.long, pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
ORDERS, ASKED, REFUSED = 3000, 300, 20
WORK_SECONDS = 0.005
PATIENCE_SECONDS = 30.0


class Expected:
    """Waits for as many calls as are expected; a flush may overtake what was published before it."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._came = asyncio.Event()

    def happen(self) -> None:
        """Take note of one."""
        self._left -= 1
        if not self._left:
            self._came.set()

    async def all(self) -> None:
        """Return once all happened.

        Raises:
            TimeoutError: they have not in time.
        """
        await asyncio.wait_for(self._came.wait(), PATIENCE_SECONDS)


async def connected(port: int, refused: Expected) -> Client:
    async def failed(_: Exception) -> None:
        refused.happen()

    return await nats.connect(f"nats://tester:none@127.0.0.1:{port}", error_cb=failed)


async def talk(port: int) -> None:
    """Publish to two listeners, ask a service, and be refused, until each of them was told."""
    refused, came = Expected(REFUSED), Expected(2 * ORDERS)
    giver, taker = await connected(port, refused), await connected(port, refused)

    async def take(_: Msg) -> None:
        came.happen()

    async def serve(message: Msg) -> None:
        await asyncio.sleep(WORK_SECONDS)
        await message.respond(b"done")

    for callback in (take, take):
        await taker.subscribe("orders.*", cb=callback)
    await taker.subscribe("work", cb=serve)
    await taker.flush()
    for number in range(ORDERS):
        await giver.publish(f"orders.{number % 7}", b"x" * (number % 300), headers={"n": "1"} if number % 3 else None)
    for _ in range(ASKED):
        await giver.request("work", b"please", timeout=10)
    for _ in range(REFUSED):
        await giver.publish(DENIED, b"")
    await giver.flush()
    await came.all()
    await refused.all()
    for client in (giver, taker):
        await client.close()


def test_messages_equal_the_servers_own(tmp_path: Path) -> None:
    with stack.exporter(tmp_path, *UNSHED) as exporter, nats_server(tmp_path / "nats") as server:
        asyncio.run(talk(server.port))
        own = server.counts()
        seen = settled(
            exporter, server.port, lambda seen: seen.total("larimar_messages_total") >= own.published + own.delivered
        )
    assert own.published == ORDERS + 2 * ASKED + REFUSED
    messages = seen.by("operation", "larimar_messages_total", messaging_system="nats")
    assert messages["publish"] == pytest.approx(own.published, rel=0.01)
    assert messages["deliver"] == pytest.approx(own.delivered, rel=0.01)
    assert seen.total("larimar_request_errors_total", protocol="nats") == REFUSED
    assert seen.service.split(":")[0] == "nats"
    assert sum(seen.edges("nats").values()) == seen.total("larimar_requests_total", protocol="nats")
