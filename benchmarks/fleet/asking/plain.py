"""Clients of name, mail, file, chat and log servers, shells and agents."""

import ftplib
import random
import smtplib
import socket
import struct

from benchmarks.fleet.asking.talk import TIMEOUT_SECONDS, talking
from benchmarks.fleet.recipe import Ask


def dns(port: int, chance: random.Random) -> None:
    """Resolve a few names of a zone by UDP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(TIMEOUT_SECONDS)
        one.connect(("127.0.0.1", port))
        for _ in range(chance.choice((1, 3, 10))):
            host = f"{chance.choice(('www', 'db', 'mail', 'nobody'))}.shop.test"
            labels = b"".join(bytes([len(part)]) + part.encode() for part in host.split("."))
            kind = chance.choice((1, 1, 28, 15))
            number = chance.randrange(1, 65536)
            one.send(struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">BHH", 0, kind, 1))
            one.recv(4096)


def smtp(port: int, chance: random.Random) -> None:
    """Hand in a message or two."""
    try:
        with smtplib.SMTP("127.0.0.1", port, "client.shop.test", timeout=TIMEOUT_SECONDS) as server:
            for _ in range(chance.choice((1, 1, 3))):
                text = f"Subject: order {chance.randrange(900)}\r\n\r\n" + "thank you\r\n" * chance.randrange(1, 100)
                server.sendmail("shop@shop.test", ["ann@shop.test"], text)
    except smtplib.SMTPException as error:
        raise ConnectionError(type(error).__name__) from error


def ftp(port: int, chance: random.Random) -> None:
    """List a folder by FTP and fetch a file of it where there is one."""
    with ftplib.FTP(timeout=TIMEOUT_SECONDS) as server:
        try:
            server.connect("127.0.0.1", port)
            server.login("anonymous", "x@shop.test")
            for _ in range(chance.choice((1, 3))):
                server.retrlines("LIST", lambda _: None)
                if chance.random() < 0.8:
                    server.retrbinary("RETR page.html", lambda _: None)
        except ftplib.Error as error:
            raise ConnectionError(type(error).__name__) from error


def rsync(port: int, chance: random.Random) -> None:
    """Ask an rsync daemon what it has."""
    with talking(port) as talk:
        talk.line()
        talk.say(b"@RSYNCD: 31.0 sha512 sha256 sha1 md5 md4\n#list\n")
        while not talk.line().startswith(b"@RSYNCD: EXIT"):
            pass


def zabbix(port: int, chance: random.Random) -> None:
    """Ask a Zabbix agent for one item."""
    item = chance.choice((b"agent.ping", b"system.cpu.load", b"vm.memory.size[total]"))
    with talking(port) as talk:
        talk.say(b"ZBXD\x01" + struct.pack("<Q", len(item)) + item)
        talk.some()


def _says(*steps: bytes) -> Ask:
    """Send texts one after the other and wait for something after each; an empty one only waits."""

    def ask(port: int, chance: random.Random) -> None:
        with talking(port) as talk:
            for step in steps:
                if step:
                    talk.say(step)
                talk.some()

    return ask


def _tells(*texts: bytes) -> Ask:
    """Send a few of the texts to somebody who never answers."""

    def ask(port: int, chance: random.Random) -> None:
        with talking(port) as talk:
            for _ in range(chance.choice((1, 5, 20))):
                talk.say(chance.choice(texts))

    return ask


IRC = _says(b"NICK ann\r\nUSER ann 0 * :ann\r\n", b"JOIN #shop\r\n", b"PING :x\r\n", b"WHO #shop\r\n")
SSH = _says(b"SSH-2.0-larimar\r\n")
STATSD = _says(b"health\n", b"counters\n", b"quit\n")
STUN = _says(*[bytes.fromhex("000100002112a442") + b"larimar12345"] * 3)
GIT = _says(b"0031git-upload-pack /shop.git\0host=git.shop.test\0")
SNMP = _says(bytes.fromhex("302602010104067075626c6963a01902047fffffff020100020100300b300906052b060102010500"))
SYSLOG = _tells(
    b"<34>Oct 11 22:14:15 shop su: it failed for lonvick on /dev/pts/8\n",
    b"<165>Aug 24 05:34:00 shop till[10]: sold one\n",
)
