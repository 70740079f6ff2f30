"""Records slapd, asked by a client of bare messages; its own log of results is what it counted."""

import re
import socket
from collections import Counter
from pathlib import Path

from tests.exporter.protocols.samples_ldap import ber, message
from tests.live.support import packages
from tests.live.support.processes import Command, accepts, free_port, running
from tests.pcaps.tape import recorded

PASSWORD = b"none"
ADMIN = b"cn=admin,dc=example"
CONFIGURATION = """\
include {schema}/core.schema
pidfile {folder}/slapd.pid
modulepath {modules}
moduleload back_mdb
loglevel stats
database mdb
suffix "dc=example"
rootdn "cn=admin,dc=example"
rootpw none
directory {folder}/data
"""
TIMEOUT_SECONDS = 5.0
# The tags of results and what they answer.
RESULTS = {97: "bind", 101: "search", 103: "modify", 105: "add", 107: "delete", 111: "compare", 120: "extended"}
# Not found, no such attribute's value, or a wrong password: not compareFalse and compareTrue.
FALSE_AND_TRUE = frozenset({"5", "6"})


def attribute(name: bytes, *values: bytes) -> bytes:
    """Return an attribute with its values."""
    return ber(0x30, ber(4, name), ber(0x31, *(ber(4, value) for value in values)))


def added(number: int, name: bytes, *attributes: bytes) -> bytes:
    """Return a request to add an entry."""
    return message(number, 0x68, ber(4, name), ber(0x30, *attributes))


def searched(number: int, base: bytes, text: bytes) -> bytes:
    """Return a search below a base for a description."""
    limits = ber(10, b"\2") + ber(10, b"\0") + ber(2, b"\0") * 2 + ber(1, b"\0")
    return message(number, 0x63, ber(4, base), limits, ber(0xA3, ber(4, b"description"), ber(4, text)), ber(0x30))


def bound(number: int, password: bytes) -> bytes:
    """Return a login."""
    return message(number, 0x60, ber(2, b"\3"), ber(4, ADMIN), ber(0x80, password))


def requests() -> list[bytes]:
    """Return what is asked, one after the other but for the last few."""
    domain = added(2, b"dc=example", attribute(b"objectClass", b"dcObject", b"organization"), attribute(b"o", b"x"))
    role = attribute(b"objectClass", b"organizationalRole")
    entries = [
        added(number, b"cn=r%d,dc=example" % number, role, attribute(b"description", b"d" * number * 7))
        for number in range(3, 40)
    ]
    searches = [searched(number, b"dc=example", b"d" * number * 7) for number in range(40, 50)]
    everything = message(
        50, 0x63, ber(4, b"dc=example"), ber(10, b"\2"), ber(10, b"\0"), ber(2, b"\0") * 2, ber(1, b"\0"),
        ber(0x87, b"objectClass"), ber(0x30),
    )  # fmt: skip
    failing = [added(51, b"dc=example", role), message(52, 0x4A, b"cn=nobody,dc=example"), bound(53, b"wrong")]
    compared = message(54, 0x6E, ber(4, b"dc=example"), ber(0x30, ber(4, b"o"), ber(4, b"y")))
    return [bound(1, PASSWORD), domain, *entries, *searches, everything, *failing, compared]


def ldap(folder: Path, file: Path) -> dict[str, object]:
    """Record slapd; what it counts is in its log."""
    tree = packages.with_programs("slapd")
    (folder / "data").mkdir(parents=True)
    program = tree.binary("slapd")
    root = program.parents[2]
    settings = CONFIGURATION.format(schema=root / "etc/ldap/schema", modules=root / "usr/lib/ldap", folder=folder)
    (folder / "slapd.conf").write_text(settings)
    port, log = free_port(), folder / "slapd.log"
    arguments = (program, "-f", folder / "slapd.conf", "-h", f"ldap://127.0.0.1:{port}", "-d", "stats")
    with running(Command(arguments, log, tree.environment({})), lambda: accepts(port)):
        told = log.stat().st_size
        with recorded(file, port), socket.create_connection(("127.0.0.1", port)) as connection:
            connection.settimeout(TIMEOUT_SECONDS)
            for request in requests():
                connection.sendall(request)
                answered(connection)
            connection.sendall(searched(60, b"dc=example", b"d") + searched(61, b"dc=nowhere", b"d"))
            answered(connection, 2)
            connection.sendall(message(62, 0x42))
        text = log.read_bytes()[told:].decode()
    results = re.findall(r"RESULT tag=(\d+) err=(\d+)", text)
    operations = Counter(RESULTS[int(tag)] for tag, _ in results)
    operations["unbind"] = len(re.findall(r" UNBIND", text))
    errors = sum(code not in FALSE_AND_TRUE and code != "0" for _, code in results)
    return {"requests": operations.total(), "errors": errors, "operations": operations}


def answered(connection: socket.socket, results: int = 1) -> None:
    """Read until so many results came."""
    seen = b""
    while len(re.findall(rb"[\x61\x65\x67\x69\x6b\x6f](?:.|\x82..)\x0a\x01.\x04", seen, re.DOTALL)) < results:
        seen += connection.recv(65_536)
