"""Step 5: programs whose file name is not what people call them, or whose default port tells instances apart."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from exporter.identity.facts import ProcessFacts
from exporter.identity.names import without_version


@dataclass(frozen=True, slots=True)
class Application:
    """A program that people know by a name.

    Attributes:
        name: what they call it.
        port: its default port, 0 where it has none.
        separate: whether two of them on different ports serve different things, as two databases do; replicas of
            an application that differ in nothing but their port are one service.
    """

    name: str
    port: int = 0
    separate: bool = False


def _server(name: str, port: int) -> Application:
    return Application(name, port, separate=True)


_POSTGRES = _server("postgres", 5432)
_MARIADB = _server("mariadb", 3306)
_MONGODB = _server("mongodb", 27017)
_REDIS = _server("redis", 6379)
_APACHE = _server("apache", 80)

APPLICATIONS: dict[str, Application] = {
    "redis-server": _REDIS,
    "redis": _REDIS,
    "redis-sentinel": _server("redis-sentinel", 26379),
    "valkey-server": _server("valkey", 6379),
    "keydb-server": _server("keydb", 6379),
    "memcached": _server("memcached", 11211),
    "postgres": _POSTGRES,
    "postgresql": _POSTGRES,
    "postmaster": _POSTGRES,
    "mysqld": _server("mysql", 3306),
    "mysql": _server("mysql", 3306),
    "mariadbd": _MARIADB,
    "mariadb": _MARIADB,
    "mongod": _MONGODB,
    "mongodb": _MONGODB,
    "mongos": _server("mongos", 27017),
    "pgbouncer": _server("pgbouncer", 6432),
    "proxysql": _server("proxysql", 6033),
    "clickhouse": _server("clickhouse", 9000),
    "clickhouse-server": _server("clickhouse", 9000),
    "cockroach": _server("cockroachdb", 26257),
    "influxd": _server("influxdb", 8086),
    "etcd": _server("etcd", 2379),
    "minio": _server("minio", 9000),
    "nats-server": _server("nats", 4222),
    "mosquitto": _server("mosquitto", 1883),
    "beanstalkd": _server("beanstalkd", 11300),
    "gearmand": _server("gearman", 4730),
    "searchd": _server("sphinx", 9312),
    "tarantool": _server("tarantool", 3301),
    "firebird": _server("firebird", 3050),
    "fbserver": _server("firebird", 3050),
    "slapd": _server("openldap", 389),
    "groonga": _server("groonga", 10041),
    "virtuoso-t": _server("virtuoso", 1111),
    "turnserver": Application("coturn", 3478),
    "pgpool": _server("pgpool", 9999),
    "nginx": _server("nginx", 80),
    "apache2": _APACHE,
    "httpd": _APACHE,
    "lighttpd": _server("lighttpd", 80),
    "caddy": _server("caddy", 80),
    "haproxy": _server("haproxy", 80),
    "envoy": _server("envoy", 10000),
    "traefik": _server("traefik", 80),
    "varnishd": _server("varnish", 6081),
    "varnish": _server("varnish", 6081),
    "cache-main": _server("varnish", 6081),  # varnishd's worker renames itself
    "squid": _server("squid", 3128),
    "named": _server("bind", 53),
    "bind9": _server("bind", 53),
    "unbound": _server("unbound", 53),
    "dnsmasq": _server("dnsmasq", 53),
    "pdns_server": _server("powerdns", 53),
    "pdns_recursor": _server("pdns-recursor", 53),
    "coredns": _server("coredns", 53),
    "knotd": _server("knot", 53),
    "nsd": _server("nsd", 53),
    "yadifad": _server("yadifa", 53),
    "dnsdist": _server("dnsdist", 53),
    "prometheus": _server("prometheus", 9090),
    "prometheus-alertmanager": _server("alertmanager", 9093),
    "alertmanager": _server("alertmanager", 9093),
    "prometheus-node-exporter": Application("node_exporter", 9100),
    "prometheus-blackbox-exporter": Application("blackbox_exporter", 9115),
    "prometheus-pushgateway": Application("pushgateway", 9091),
    "victoria-metrics": _server("victoria-metrics", 8428),
    "grafana-server": _server("grafana", 3000),
    "grafana": _server("grafana", 3000),
    "exim4": Application("exim", 25),
    "exim": Application("exim", 25),
    "opensmtpd": Application("opensmtpd", 25),
    "smtpd": Application("opensmtpd", 25),
    "smbd": Application("samba", 445),
    "nmbd": Application("samba", 445),
    "rsync": Application("rsync", 873),
    "rsyslogd": Application("rsyslog", 514),
    "chronyd": Application("chrony", 123),
    "in.tftpd": Application("tftpd", 69),
    "zabbix_agentd": Application("zabbix-agent", 10050),
    "stunnel4": _server("stunnel", 0),
    "stunnel": _server("stunnel", 0),
    "hitch": _server("hitch", 443),
    "tinyproxy": _server("tinyproxy", 8888),
    "privoxy": _server("privoxy", 8118),
    "nutcracker": _server("nutcracker", 22121),
    "traffic_server": _server("trafficserver", 8080),
    "danted": Application("danted", 1080),
    "microsocks": Application("microsocks", 1080),
    "mini_httpd": _server("mini-httpd", 80),
    "webfsd": _server("webfsd", 8000),
    "dockerd": Application("docker"),
    "containerd-shim-runc-v2": Application("containerd"),
    "php-fpm": Application("php-fpm", 9000),
    "systemd": Application("systemd"),
    "init": Application("init"),
    "ssh": Application("sshd", 22),
    "sshd": Application("sshd", 22),
    "sshd-session": Application("sshd", 22),
    "larimar-exporte": Application("larimar-exporter", 10177),  # the kernel's names have 15 bytes
    "larimar-detecto": Application("larimar-detector", 10178),
}

# Suites of programs with names of their own, all in one directory.
_SUITES: dict[str, Application] = {
    "postfix": Application("postfix", 25),
    "dovecot": Application("dovecot", 143),
}


_EXPORTER = re.compile(r"prometheus-([\w-]+)-exporter")  # Debian's name of what everybody else calls redis_exporter
_VERSION_WITHIN = re.compile(r"(?<=[a-z])\d+(\.\d+)*(?=-)")  # php8.2-fpm

# Whatever these are called as, they are not the real thing.
_MANY_IN_ONE = frozenset({"busybox", "toybox"})


def of_program(program: str) -> Application | None:
    """Return what is known of a program by its file name, with or without a version; None for any other."""
    names = (program, without_version(program), _VERSION_WITHIN.sub("", program))
    known = next((APPLICATIONS[name] for name in names if name in APPLICATIONS), None)
    exporter = _EXPORTER.fullmatch(program)
    return Application(f"{exporter[1]}_exporter") if known is None and exporter else known


def of_process(facts: ProcessFacts) -> Application | None:
    """Return what is known of the program that a process runs; None for any other."""
    if _is_sentinel(facts):
        return APPLICATIONS["redis-sentinel"]
    for part in PurePosixPath(facts.executable).parent.parts:
        if part in _SUITES:
            return _SUITES[part]
    if facts.program in _MANY_IN_ONE or (facts.program == "rsync" and "--daemon" not in facts.arguments):
        return None
    # The kernel's name is that of the link: Debian's redis-server is one to redis-check-rdb.
    return of_program(facts.program) or of_program(facts.comm)


def name(facts: ProcessFacts) -> str:
    """Return the application's usual name, or an empty string."""
    application = of_process(facts)
    if application is not None and application.name == "php-fpm":
        return _pool(facts)
    return application.name if application else ""


def _pool(facts: ProcessFacts) -> str:
    """Return `php-fpm`, or `php-fpm/shop` in a worker of a pool that somebody named."""
    _, found, pool = (facts.arguments[0] if facts.arguments else "").partition("php-fpm: pool ")
    return f"php-fpm/{pool}" if found and pool != "www" else "php-fpm"


def _is_sentinel(facts: ProcessFacts) -> bool:
    """Return whether a Redis server watches others: the same executable under another name, option or title."""
    if not facts.comm.startswith("redis-"):
        return False
    title = facts.arguments[0] if facts.arguments else ""
    return facts.comm == "redis-sentinel" or title.endswith("[sentinel]") or "--sentinel" in facts.arguments
