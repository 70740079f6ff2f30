"""Postfix's `smtp-sink`, which takes mail and throws it away, and what it said of every command."""

import os
import re
import smtplib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from quickstart.debian import Tree
from tests.live.support import packages
from tests.live.support.processes import Command, accepts, free_port, running

# What it does not know it refuses; it takes DATA only behind a recipient.
KNOWN = frozenset({"HELO", "EHLO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "VRFY", "QUIT"})
MESSAGE = "Subject: an order\r\n\r\nTen apples.\r\n..\r\n"


@dataclass(frozen=True, slots=True)
class Sink:
    """A running one.

    Attributes:
        port: where it listens on loopback.
        tree: where its other programs are.
        log: what it says.
    """

    port: int
    tree: Tree
    log: Path

    def commands(self) -> Counter[str]:
        """Return how often each command came; a message belongs to its DATA."""
        said = re.findall(r"smtp-sink: (?:\[[^]]*\] )?([A-Za-z.]+)(?: [^\n]*)?$", self.log.read_text(), re.MULTILINE)
        return Counter(word.upper() for word in said if word.upper() in KNOWN | {"STARTTLS", "XTEST", "."})

    def counts(self) -> dict[str, int]:
        """Return its own numbers of requests, and of those among them that failed."""
        commands = self.commands()
        messages = commands.pop(".", 0)
        refused = commands["DATA"] - messages
        return {
            "requests": commands.total(),
            "errors": refused + sum(count for word, count in commands.items() if word not in KNOWN),
        }


def environment(tree: Tree) -> dict[str, str]:
    """Return what Postfix's programs need to find their libraries."""
    return tree.environment({"LD_LIBRARY_PATH": str(tree.root / "usr/lib/postfix")})


@contextmanager
def smtp_sink(folder: Path) -> Iterator[Sink]:
    """Run it; it tells every command."""
    tree = packages.with_programs("smtp-sink", "smtp-source")
    port, log = free_port(), folder / "smtp-sink.log"
    other = ("-u", "nobody") if os.geteuid() == 0 else ()
    command = Command((tree.binary("smtp-sink"), *other, "-v", f"127.0.0.1:{port}", "100"), log, environment(tree))
    with running(command, lambda: accepts(port)):
        yield Sink(port, tree, log)


def send(port: int, messages: int) -> None:
    """Send mail with Python's own client: one command after the other, several at once, and some that are refused."""
    with smtplib.SMTP("127.0.0.1", port, "shop.example", timeout=30) as client:
        client.ehlo()
        for number in range(messages):
            client.sendmail("a@shop.example", "b@shop.example", MESSAGE + "x" * number * 50)
            if number % 10 == 0:
                client.docmd("XTEST", "secret")
                client.docmd("DATA")
            elif number % 10 == 1:
                piped(client)
        client.docmd("NOOP")
        client.docmd("STARTTLS")


def piped(client: smtplib.SMTP) -> None:
    """Send an envelope at once, and a message."""
    client.send("MAIL FROM:<a@shop.example>\r\nRCPT TO:<b@shop.example>\r\nRCPT TO:<c@shop.example>\r\nDATA\r\n")
    for _ in range(4):
        client.getreply()
    client.send(MESSAGE + ".\r\n")
    client.getreply()
