"""Clients of queues and message brokers."""

import random
import struct
from contextlib import closing

import pika

from benchmarks.fleet.asking.talk import talking


def amqp(port: int, chance: random.Random) -> None:
    """Publish to a RabbitMQ and fetch."""
    with closing(pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port))) as connection:
        channel = connection.channel()
        channel.queue_declare("orders")
        for _ in range(chance.choice((1, 5, 20))):
            channel.basic_publish("", "orders", b"x" * chance.randrange(1, 600))
            channel.basic_get("orders", auto_ack=True)


def mqtt(port: int, chance: random.Random) -> None:
    """Publish to an MQTT broker, acknowledged."""
    with talking(port) as talk:
        name = b"c%d" % chance.randrange(1 << 30)
        connect = b"\x00\x04MQTT\x04\x02\x00\x3c" + struct.pack(">H", len(name)) + name
        talk.say(b"\x10" + bytes([len(connect)]) + connect)
        talk.exactly(4)
        for number in range(1, chance.choice((2, 6, 20))):
            body = b"\x00\x06orders" + struct.pack(">H", number) + b"x" * chance.randrange(1, 90)
            talk.say(b"\x32" + bytes([len(body)]) + body)
            talk.exactly(4)


def nats(port: int, chance: random.Random) -> None:
    """Publish to a NATS and hear it."""
    with talking(port) as talk:
        talk.line()
        talk.say(b'CONNECT {"verbose":false}\r\nSUB orders.> 1\r\nPING\r\n')
        talk.line()
        for _ in range(chance.choice((1, 5, 20))):
            size = chance.randrange(1, 500)
            talk.say(b"PUB orders.new %d\r\n%s\r\n" % (size, b"x" * size))
            talk.line()
            talk.exactly(size + 2)


def beanstalkd(port: int, chance: random.Random) -> None:
    """Put jobs into a beanstalkd and take them."""
    with talking(port) as talk:
        for _ in range(chance.choice((1, 5, 20))):
            size = chance.randrange(1, 500)
            talk.say(b"put 0 0 60 %d\r\n%s\r\n" % (size, b"x" * size))
            talk.line()
            talk.say(b"reserve-with-timeout 1\r\n")
            _, number, length = talk.line().split()
            talk.exactly(int(length) + 2)
            talk.say(b"delete %s\r\n" % number)
            talk.line()


def gearman(port: int, chance: random.Random) -> None:
    """Queue jobs at a gearmand in the background."""
    with talking(port) as talk:
        for number in range(chance.choice((1, 5, 20))):
            body = b"resize\0%d\0%s" % (number, b"x" * chance.randrange(1, 500))
            talk.say(b"\0REQ" + struct.pack(">II", 18, len(body)) + body)
            talk.some()
