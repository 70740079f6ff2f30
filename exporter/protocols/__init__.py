"""Wire protocols: bytes in, messages out, no I/O."""

from exporter.protocols import (
    amqp,
    cassandra,
    clickhouse,
    dns,
    elasticsearch,
    fastcgi,
    grpc,
    http,
    http2,
    kafka,
    ldap,
    memcached,
    mongodb,
    mqtt,
    mysql,
    nats,
    postgres,
    redis,
    smtp,
    tls,
    tls_turns,
    turns,
    websocket,
    zookeeper,
)
from exporter.protocols.base import ProtocolSpec

PROTOCOLS: tuple[ProtocolSpec, ...] = (
    elasticsearch.SPEC,
    http.SPEC,
    tls.SPEC,
    tls_turns.SPEC,
    http2.SPEC,
    grpc.SPEC,
    mqtt.SPEC,
    amqp.SPEC,
    redis.SPEC,
    postgres.SPEC,
    mysql.SPEC,
    memcached.SPEC,
    dns.SPEC,
    dns.DATAGRAM_SPEC,
    websocket.SPEC,
    mongodb.SPEC,
    cassandra.SPEC,
    zookeeper.SPEC,
    kafka.SPEC,
    nats.SPEC,
    ldap.SPEC,
    fastcgi.SPEC,
    smtp.SPEC,
    clickhouse.SPEC,
)
"""What is looked for, in the order of detection."""

UNKNOWN: ProtocolSpec = turns.SPEC
"""What nothing in `PROTOCOLS` claims."""
