"""Clients of databases, caches, search engines and directories."""

import random
import struct

import psycopg
import pymysql

from benchmarks.fleet.asking.talk import TIMEOUT_SECONDS, requesting, talking
from tests.live.support.resp import Connection

WORDS = ("red", "green", "blue", "small", "large", "new", "old", "cheap")


def redis(port: int, chance: random.Random) -> None:
    """Ask Redis, mostly for what is there."""
    with Connection(port, TIMEOUT_SECONDS) as connection:
        for _ in range(chance.choice((1, 10, 50))):
            name = f"key:{chance.randrange(100)}"
            words = ("SET", name, "x" * chance.randrange(1, 800)) if chance.random() < 0.2 else ("GET", name)
            connection.ask(*words)


def memcached(port: int, chance: random.Random) -> None:
    """Ask memcached, mostly for what is there."""
    with talking(port) as talk:
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


def postgresql(port: int, chance: random.Random) -> None:
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


def sphinx(port: int, chance: random.Random) -> None:
    """Ask Sphinx in its MySQL dialect."""
    with (
        pymysql.connect(host="127.0.0.1", port=port, user="x", autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        for _ in range(chance.choice((1, 5, 20))):
            cursor.execute(f"SELECT * FROM goods WHERE MATCH('{chance.choice(WORDS)}') LIMIT 10")


def tarantool(port: int, chance: random.Random) -> None:
    """Ping a Tarantool and evaluate expressions, in its own protocol."""
    with talking(port) as talk:
        talk.exactly(128)
        for _ in range(chance.choice((1, 5, 20))):
            text = b"return {" + b"7," * chance.randrange(1, 60) + b"}"
            body = b"\x82\x27\xda" + struct.pack(">H", len(text)) + text + b"\x21\x90"
            packet = b"\x82\x00\x08\x01\x01" + body
            talk.say(b"\xce" + struct.pack(">I", len(packet)) + packet)
            talk.some()


def etcd(port: int, chance: random.Random) -> None:
    """Ask etcd over its gateway of JSON."""
    with requesting(port) as connection:
        for _ in range(chance.choice((1, 5, 20))):
            if chance.random() < 0.3:
                connection.request("POST", "/v3/kv/put", '{"key":"Zm9v","value":"%s"}' % ("YmFy" * 20))
            else:
                connection.request("POST", "/v3/kv/range", '{"key":"Zm9v"}')
            connection.getresponse().read()


def influxdb(port: int, chance: random.Random) -> None:
    """Write points into an InfluxDB and query them."""
    with requesting(port) as connection:
        connection.request("POST", "/query?q=CREATE+DATABASE+shop")
        connection.getresponse().read()
        for _ in range(chance.choice((1, 5, 20))):
            if chance.random() < 0.5:
                text = "".join(f"cpu,host=h{number} v={chance.random()}\n" for number in range(20))
                connection.request("POST", "/write?db=shop", text)
            else:
                connection.request("GET", "/query?db=shop&q=SELECT+mean(v)+FROM+cpu+GROUP+BY+host")
            connection.getresponse().read()


def ldap(port: int, chance: random.Random) -> None:
    """Bind anonymously to an LDAP server and search."""
    with talking(port) as talk:
        talk.say(bytes.fromhex("300c020101600702010304008000"))
        talk.some()
        for number in range(2, chance.choice((3, 8, 20))):
            search = bytes.fromhex(f"302502010{number % 8 + 1}6320") + bytes.fromhex(
                "04000a01000a0100020100020100010100870b6f626a656374436c6173733000"
            )
            talk.say(search)
            talk.some()
