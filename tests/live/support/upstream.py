"""A small web application whose answers take some milliseconds: `python -m tests.live.support.upstream PORT`."""

import asyncio
import random
import sys

MEDIAN_SECONDS = 0.008
SPREAD = 0.35  # of the logarithm, as of many real services
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n"


class Application(asyncio.Protocol):
    """Answers one request after the other on one connection."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._transport: asyncio.Transport | None = None
        self._seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each complete head after a while; the requests have no bodies."""
        self._seen += data
        while b"\r\n\r\n" in self._seen:
            _, _, self._seen = self._seen.partition(b"\r\n\r\n")
            delay = MEDIAN_SECONDS * self._chance.lognormvariate(0, SPREAD)
            asyncio.get_running_loop().call_later(delay, self._answer)

    def _answer(self) -> None:
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.write(ANSWER)


async def serve(port: int) -> None:
    """Serve until the process ends."""
    chance = random.Random(1)  # the same delays in every run
    server = await asyncio.get_running_loop().create_server(lambda: Application(chance), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
