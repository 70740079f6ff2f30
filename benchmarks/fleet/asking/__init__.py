"""Clients of a few lines for each protocol: they ask, read what comes back, and leave. Recipes name them."""

from collections.abc import Callable, Mapping, Sequence

from benchmarks.fleet.asking import plain, queues, stores, web
from benchmarks.fleet.recipe import Ask

CLIENTS: Mapping[str, Ask] = {
    "amqp": queues.amqp,
    "beanstalkd": queues.beanstalkd,
    "dns": plain.dns,
    "etcd": stores.etcd,
    "fastcgi": web.fastcgi,
    "ftp": plain.ftp,
    "gearman": queues.gearman,
    "git": plain.GIT,
    "influxdb": stores.influxdb,
    "irc": plain.IRC,
    "ldap": stores.ldap,
    "memcached": stores.memcached,
    "mqtt": queues.mqtt,
    "mysql": stores.mysql,
    "nats": queues.nats,
    "postgresql": stores.postgresql,
    "redis": stores.redis,
    "rsync": plain.rsync,
    "smtp": plain.smtp,
    "snmp": plain.SNMP,
    "socks": web.socks,
    "sphinx": stores.sphinx,
    "ssh": plain.SSH,
    "statsd": plain.STATSD,
    "stun": plain.STUN,
    "syslog": plain.SYSLOG,
    "tarantool": stores.tarantool,
    "zabbix": plain.zabbix,
}
HttpClient = Callable[[Sequence[str], Sequence[str], str], Ask]
"""Makes a client of the paths to get, those to post to, and what stands before each of them."""

HTTP_CLIENTS: Mapping[str, HttpClient] = {
    "pages": web.pages,
    "one_page": web.one_page,
    "secured_pages": web.secured_pages,
}
