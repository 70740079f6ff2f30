"""Clients of web servers, applications and proxies."""

import random
import ssl
import struct
from collections.abc import Sequence

from benchmarks.fleet.asking.talk import requesting, talking
from benchmarks.fleet.recipe import HTTP_PORT, Ask

SCRIPT = "page.php"


def pages(paths: Sequence[str], post: Sequence[str], through: str) -> Ask:
    """Ask for some of the paths and post to others, at times more than once a connection.

    Args:
        through: what stands before each path where a proxy is asked for somebody else's.
    """

    def ask(port: int, chance: random.Random) -> None:
        with requesting(port) as connection:
            for _ in range(chance.choice((1, 1, 4, 20))):
                is_post = bool(post) and chance.random() < 0.2
                path = through + chance.choice(post if is_post else paths)
                body = b"amount=%d" % chance.randrange(1000) * chance.randrange(1, 60) if is_post else None
                connection.request("POST" if is_post else "GET", path, body)
                connection.getresponse().read()

    return ask


def one_page(paths: Sequence[str], _post: Sequence[str], through: str) -> Ask:
    """Ask for one page a connection, as Prometheus does; `through` as of `pages`."""

    def ask(port: int, chance: random.Random) -> None:
        with requesting(port) as connection:
            connection.request("GET", through + chance.choice(paths))
            connection.getresponse().read()

    return ask


def secured_pages(paths: Sequence[str], _post: Sequence[str], through: str) -> Ask:
    """Ask for pages over TLS, whatever certificate is shown; `through` as of `pages`."""

    def ask(port: int, chance: random.Random) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with requesting(port, context) as connection:
            for _ in range(chance.choice((1, 1, 4, 20))):
                connection.request("GET", through + chance.choice(paths))
                connection.getresponse().read()

    return ask


def socks(port: int, chance: random.Random) -> None:
    """Ask for pages of the application through a SOCKS 5 proxy."""
    with talking(port) as talk:
        talk.say(b"\x05\x01\x00")
        talk.exactly(2)
        talk.say(b"\x05\x01\x00\x01\x7f\x00\x00\x01" + struct.pack(">H", HTTP_PORT))
        talk.exactly(10)
        for _ in range(chance.choice((1, 4, 10))):
            talk.say(b"GET /page HTTP/1.1\r\nHost: shop.test\r\n\r\n")
            talk.some()


def fastcgi(port: int, chance: random.Random) -> None:
    """Run a script a few times in an application behind FastCGI."""
    for _ in range(chance.choice((1, 4))):
        with talking(port) as talk:
            talk.say(_script_request(f"/x{chance.randrange(9)}"))
            while True:
                try:
                    talk.some()
                except ConnectionError:
                    break


def _script_request(path: str) -> bytes:
    """Return one request of the responder role, without a body."""
    values = {
        "SCRIPT_FILENAME": SCRIPT,
        "REQUEST_METHOD": "GET",
        "REQUEST_URI": path,
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    pairs = b"".join(bytes([len(name), len(value)]) + name.encode() + value.encode() for name, value in values.items())
    return (
        struct.pack(">BBHHBxHB5x", 1, 1, 1, 8, 0, 1, 0)
        + struct.pack(">BBHHBx", 1, 4, 1, len(pairs), 0)
        + pairs
        + struct.pack(">BBHHBx", 1, 4, 1, 0, 0)
        + struct.pack(">BBHHBx", 1, 5, 1, 0, 0)
    )
