"""Clients of a few lines for each protocol: they ask, read what comes back, and leave."""

import ftplib
import http.client
import random
import smtplib
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import BinaryIO

import pika
import psycopg
import pymysql

from benchmarks.fleet.recipe import Ask
from tests.live.support.resp import Connection

TIMEOUT_SECONDS = 5.0
SCRIPT = "page.php"
WORDS = ("red", "green", "blue", "small", "large", "new", "old", "cheap")


def pages(*paths: str, post: tuple[str, ...] = (), through: str = "") -> Ask:
    """Ask for paths of the list and post to some, now and then more than once a connection.

    Args:
        through: what stands before each path where a proxy is asked for somebody else's.
    """

    def ask(port: int, chance: random.Random) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        try:
            for _ in range(chance.choice((1, 1, 4, 20))):
                is_post = bool(post) and chance.random() < 0.2
                path = through + chance.choice(post if is_post else paths)
                body = b"amount=%d" % chance.randrange(1000) * chance.randrange(1, 60) if is_post else None
                connection.request("POST" if is_post else "GET", path, body)
                connection.getresponse().read()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()

    return ask


def scrapes(*paths: str, through: str = "") -> Ask:
    """Ask for one page a connection, as Prometheus does; `through` as of `pages`."""

    def ask(port: int, chance: random.Random) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET", through + chance.choice(paths))
            connection.getresponse().read()
        finally:
            connection.close()

    return ask


def keys(port: int, chance: random.Random) -> None:
    """Ask Redis, mostly for what is there."""
    with Connection(port, TIMEOUT_SECONDS) as connection:
        for _ in range(chance.choice((1, 10, 50))):
            name = f"key:{chance.randrange(100)}"
            words = ("SET", name, "x" * chance.randrange(1, 800)) if chance.random() < 0.2 else ("GET", name)
            connection.ask(*words)


def slabs(port: int, chance: random.Random) -> None:
    """Ask memcached, mostly for what is there."""
    with lines(port) as talk:
        for _ in range(chance.choice((1, 10, 50))):
            name = b"key%d" % chance.randrange(100)
            if chance.random() < 0.2:
                size = chance.randrange(1, 800)
                talk.say(b"set %s 0 0 %d\r\n%s\r\n" % (name, size, b"x" * size))
                talk.line()
            else:
                talk.say(b"get %s\r\n" % name)
                while not talk.line().startswith(b"END"):
                    pass


def postgres(port: int, chance: random.Random) -> None:
    """Ask a PostgreSQL, or what passes it on."""
    with psycopg.connect(
        f"host=127.0.0.1 port={port} user=tester dbname=postgres sslmode=disable gssencmode=disable",
        autocommit=True,
        prepare_threshold=None,
    ) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS orders (id serial, total numeric, note text)")
        for _ in range(chance.choice((2, 10, 30))):
            if chance.random() < 0.3:
                connection.execute("INSERT INTO orders (total, note) VALUES (%s, 'x')", (chance.randrange(900),))
            else:
                connection.execute("SELECT * FROM orders ORDER BY id DESC LIMIT %s", (chance.randrange(1, 40),))


def mysql(port: int, chance: random.Random) -> None:
    """Ask a MariaDB."""
    with (
        pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("CREATE DATABASE IF NOT EXISTS shop")
        cursor.execute("CREATE TABLE IF NOT EXISTS shop.orders (id serial, total int, note text)")
        for _ in range(chance.choice((2, 10, 30))):
            if chance.random() < 0.3:
                cursor.execute(f"INSERT INTO shop.orders (total, note) VALUES ({chance.randrange(900)}, 'x')")
            else:
                cursor.execute(f"SELECT * FROM shop.orders ORDER BY id DESC LIMIT {chance.randrange(1, 40)}")


def found(port: int, chance: random.Random) -> None:
    """Ask Sphinx in its MySQL dialect."""
    with (
        pymysql.connect(host="127.0.0.1", port=port, user="x", autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        for _ in range(chance.choice((1, 5, 20))):
            cursor.execute(f"SELECT * FROM goods WHERE MATCH('{chance.choice(WORDS)}') LIMIT 10")


def names(zone: str = "shop.test") -> Ask:
    """Resolve a few names of a zone by UDP."""

    def ask(port: int, chance: random.Random) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.settimeout(TIMEOUT_SECONDS)
            one.connect(("127.0.0.1", port))
            for _ in range(chance.choice((1, 3, 10))):
                host = f"{chance.choice(('www', 'db', 'mail', 'nobody'))}.{zone}"
                labels = b"".join(bytes([len(part)]) + part.encode() for part in host.split("."))
                kind = chance.choice((1, 1, 28, 15))
                number = chance.randrange(1, 65536)
                one.send(struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">BHH", 0, kind, 1))
                one.recv(4096)

    return ask


def mail(port: int, chance: random.Random) -> None:
    """Hand in a message or two."""
    try:
        with smtplib.SMTP("127.0.0.1", port, "client.shop.test", timeout=TIMEOUT_SECONDS) as server:
            for _ in range(chance.choice((1, 1, 3))):
                text = f"Subject: order {chance.randrange(900)}\r\n\r\n" + "thank you\r\n" * chance.randrange(1, 100)
                server.sendmail("shop@shop.test", ["ann@shop.test"], text)
    except smtplib.SMTPException as error:
        raise ConnectionError(type(error).__name__) from error


def files(port: int, chance: random.Random) -> None:
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


class Talk:
    """A conversation in lines.

    Args:
        stream: what comes back.
    """

    def __init__(self, one: socket.socket, stream: BinaryIO) -> None:
        self._socket = one
        self._stream = stream

    def say(self, data: bytes) -> None:
        """Send."""
        self._socket.sendall(data)

    def line(self) -> bytes:
        """Return the next line; raises ConnectionError at the end."""
        line = self._stream.readline()
        if not line:
            raise ConnectionError("closed")
        return line

    def some(self) -> bytes:
        """Return what there is; raises ConnectionError at the end."""
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("closed")
        return data

    def exactly(self, size: int) -> bytes:
        """Return so many bytes."""
        return self._stream.read(size)


@contextmanager
def lines(port: int) -> Iterator[Talk]:
    """Talk with a server on loopback."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as one:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with one.makefile("rb") as stream:
            yield Talk(one, stream)


def says(*steps: bytes) -> Ask:
    """Send texts one after the other and wait for something after each; an empty one only waits."""

    def ask(port: int, chance: random.Random) -> None:
        with lines(port) as talk:
            for step in steps:
                if step:
                    talk.say(step)
                talk.some()

    return ask


def tells(*texts: bytes) -> Ask:
    """Send a few of the texts to somebody who never answers."""

    def ask(port: int, chance: random.Random) -> None:
        with lines(port) as talk:
            for _ in range(chance.choice((1, 5, 20))):
                talk.say(chance.choice(texts))

    return ask


def jobs(port: int, chance: random.Random) -> None:
    """Put jobs into a beanstalkd and take them."""
    with lines(port) as talk:
        for _ in range(chance.choice((1, 5, 20))):
            size = chance.randrange(1, 500)
            talk.say(b"put 0 0 60 %d\r\n%s\r\n" % (size, b"x" * size))
            talk.line()
            talk.say(b"reserve-with-timeout 1\r\n")
            _, number, length = talk.line().split()
            talk.exactly(int(length) + 2)
            talk.say(b"delete %s\r\n" % number)
            talk.line()


def gears(port: int, chance: random.Random) -> None:
    """Queue jobs at a gearmand in the background."""
    with lines(port) as talk:
        for number in range(chance.choice((1, 5, 20))):
            body = b"resize\0%d\0%s" % (number, b"x" * chance.randrange(1, 500))
            talk.say(b"\0REQ" + struct.pack(">II", 18, len(body)) + body)
            talk.some()


def subjects(port: int, chance: random.Random) -> None:
    """Publish to a NATS and hear it."""
    with lines(port) as talk:
        talk.line()
        talk.say(b'CONNECT {"verbose":false}\r\nSUB orders.> 1\r\nPING\r\n')
        talk.line()
        for _ in range(chance.choice((1, 5, 20))):
            size = chance.randrange(1, 500)
            talk.say(b"PUB orders.new %d\r\n%s\r\n" % (size, b"x" * size))
            talk.line()
            talk.exactly(size + 2)


def topics(port: int, chance: random.Random) -> None:
    """Publish to an MQTT broker, acknowledged."""
    with lines(port) as talk:
        name = b"c%d" % chance.randrange(1 << 30)
        connect = b"\x00\x04MQTT\x04\x02\x00\x3c" + struct.pack(">H", len(name)) + name
        talk.say(b"\x10" + bytes([len(connect)]) + connect)
        talk.exactly(4)
        for number in range(1, chance.choice((2, 6, 20))):
            body = b"\x00\x06orders" + struct.pack(">H", number) + b"x" * chance.randrange(1, 90)
            talk.say(b"\x32" + bytes([len(body)]) + body)
            talk.exactly(4)


def cells(port: int, chance: random.Random) -> None:
    """Ask etcd over its gateway of JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        for _ in range(chance.choice((1, 5, 20))):
            if chance.random() < 0.3:
                connection.request("POST", "/v3/kv/put", '{"key":"Zm9v","value":"%s"}' % ("YmFy" * 20))
            else:
                connection.request("POST", "/v3/kv/range", '{"key":"Zm9v"}')
            connection.getresponse().read()
    finally:
        connection.close()


def points(port: int, chance: random.Random) -> None:
    """Write points into an InfluxDB and query them."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", "/query?q=CREATE+DATABASE+shop")
        connection.getresponse().read()
        for _ in range(chance.choice((1, 5, 20))):
            if chance.random() < 0.5:
                text = "".join(f"cpu,host=h{number} v={chance.random()}\n" for number in range(20))
                connection.request("POST", "/write?db=shop", text)
            else:
                connection.request("GET", "/query?db=shop&q=SELECT+mean(v)+FROM+cpu+GROUP+BY+host")
            connection.getresponse().read()
    finally:
        connection.close()


def directory(port: int, chance: random.Random) -> None:
    """Bind anonymously to an LDAP server and search."""
    with lines(port) as talk:
        talk.say(bytes.fromhex("300c020101600702010304008000"))
        talk.some()
        for number in range(2, chance.choice((3, 8, 20))):
            search = bytes.fromhex(f"302502010{number % 8 + 1}6320") + bytes.fromhex(
                "04000a01000a0100020100020100010100870b6f626a656374436c6173733000"
            )
            talk.say(search)
            talk.some()


def socks(backend: int) -> Ask:
    """Ask for pages through a SOCKS 5 proxy."""

    def ask(port: int, chance: random.Random) -> None:
        with lines(port) as talk:
            talk.say(b"\x05\x01\x00")
            talk.exactly(2)
            talk.say(b"\x05\x01\x00\x01\x7f\x00\x00\x01" + struct.pack(">H", backend))
            talk.exactly(10)
            for _ in range(chance.choice((1, 4, 10))):
                talk.say(b"GET /page HTTP/1.1\r\nHost: shop.test\r\n\r\n")
                talk.some()

    return ask


def secured(*paths: str) -> Ask:
    """Ask for pages over TLS, whoever answers."""

    def secretly(port: int, chance: random.Random) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS, context=context)
        try:
            for _ in range(chance.choice((1, 1, 4, 20))):
                connection.request("GET", chance.choice(paths))
                connection.getresponse().read()
        finally:
            connection.close()

    return secretly


def tuples(port: int, chance: random.Random) -> None:
    """Ping a Tarantool and evaluate expressions, in its own protocol."""
    with lines(port) as talk:
        talk.exactly(128)
        for _ in range(chance.choice((1, 5, 20))):
            text = b"return {" + b"7," * chance.randrange(1, 60) + b"}"
            body = b"\x82\x27\xda" + struct.pack(">H", len(text)) + text + b"\x21\x90"
            packet = b"\x82\x00\x08\x01\x01" + body
            talk.say(b"\xce" + struct.pack(">I", len(packet)) + packet)
            talk.some()


def exchanges(port: int, chance: random.Random) -> None:
    """Publish to a RabbitMQ and fetch."""
    with closing(pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port))) as connection:
        channel = connection.channel()
        channel.queue_declare("orders")
        for _ in range(chance.choice((1, 5, 20))):
            channel.basic_publish("", "orders", b"x" * chance.randrange(1, 600))
            channel.basic_get("orders", auto_ack=True)


def items(port: int, chance: random.Random) -> None:
    """Ask a Zabbix agent for one item."""
    item = chance.choice((b"agent.ping", b"system.cpu.load", b"vm.memory.size[total]"))
    with lines(port) as talk:
        talk.say(b"ZBXD\x01" + struct.pack("<Q", len(item)) + item)
        talk.some()


def listing(port: int, chance: random.Random) -> None:
    """Ask an rsync daemon what it has."""
    with lines(port) as talk:
        talk.line()
        talk.say(b"@RSYNCD: 31.0 sha512 sha256 sha1 md5 md4\n#list\n")
        while not talk.line().startswith(b"@RSYNCD: EXIT"):
            pass


def scripts(port: int, chance: random.Random) -> None:
    """Have an application behind FastCGI run a script a few times."""
    for _ in range(chance.choice((1, 4))):
        with lines(port) as talk:
            talk.say(fastcgi(f"/x{chance.randrange(9)}"))
            while True:
                try:
                    talk.some()
                except ConnectionError:
                    break


def fastcgi(path: str) -> bytes:
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
