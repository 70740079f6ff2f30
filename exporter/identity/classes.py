"""What kind of thing a service is, where the program that it runs says so."""

from pathlib import PurePosixPath

from exporter.identity.executable import says_nothing
from exporter.identity.facts import Name, NameSource, ProcessFacts, ServiceClass
from exporter.identity.known import of_process, of_program
from exporter.identity.names import without_version

_WORDS: dict[ServiceClass, str] = {
    ServiceClass.WEB: """
        nginx apache lighttpd caddy mini-httpd webfsd thttpd darkhttpd micro-httpd monkey yaws http-server serve
        http.server h2o icecast2""",
    ServiceClass.PROXY: """
        haproxy envoy traefik varnish squid stunnel tinyproxy privoxy hitch pgbouncer proxysql mongos nutcracker
        mcrouter trafficserver traffic_server pound microsocks danted sslh kong istio-proxy linkerd2-proxy""",
    ServiceClass.APPLICATION: """
        php-fpm gunicorn uvicorn hypercorn daphne granian waitress uwsgi puma unicorn tomcat jetty wildfly flask
        fastapi streamlit radicale""",
    ServiceClass.DATABASE: """
        postgres mysql mariadb mongodb clickhouse cockroachdb influxdb etcd minio tarantool firebird fbserver neo4j
        cassandra couchdb zookeeper consul scylla""",
    ServiceClass.CACHE: "redis redis-sentinel valkey keydb memcached dragonfly hazelcast",
    ServiceClass.QUEUE: "rabbitmq nats mosquitto beanstalkd gearman kafka activemq pulsar",
    ServiceClass.SEARCH: "sphinx manticore elasticsearch opensearch solr meilisearch typesense",
    ServiceClass.DNS: """
        bind unbound dnsmasq powerdns pdns-recursor coredns knot nsd yadifa dnsdist systemd-resolved""",
    ServiceClass.MAIL: "postfix dovecot exim opensmtpd sendmail aiosmtpd maildev courier",
    ServiceClass.DIRECTORY: "openldap freeradius sssd",
    ServiceClass.FILE: "samba vsftpd proftpd pure-ftpd rsync tftpd pyftpdlib nfsd transmission aria2",
    ServiceClass.MONITORING: """
        prometheus alertmanager node_exporter grafana blackbox_exporter pushgateway victoria-metrics netdata collectd
        snmpd munin-node zabbix-agent telegraf monit larimar-exporter larimar-detector""",
    ServiceClass.LOGGING: "rsyslog syslog-ng fluentd fluent-bit vector systemd-journald auditd",
    ServiceClass.CHAT: "ngircd inspircd prosody ejabberd mattermost",
    ServiceClass.BATCH: "cron crond atd anacron",
    ServiceClass.SHELL: "sshd dropbear bash sh dash zsh fish ksh tmux screen login su",
    ServiceClass.TIME: "chrony ntpd ntpsec systemd-timesyncd",
    ServiceClass.SYSTEM: """
        systemd init supervisord runit runsvdir s6-svscan dbus dbus-daemon docker containerd podman kubelet udevd
        systemd-udevd systemd-logind agetty tini dumb-init""",
}
CLASSES: dict[str, ServiceClass] = {name: kind for kind, words in _WORDS.items() for name in words.split()}
"""By the name that people call a program."""

_WORKERS = frozenset({"celery", "rq", "rqworker", "dramatiq", "huey_consumer", "sidekiq"})
_SERVERS = frozenset(
    {
        "gunicorn",
        "uvicorn",
        "hypercorn",
        "daphne",
        "granian",
        "waitress-serve",
        "waitress",
        "uwsgi",
        "uwsgi-core",
        "puma",
    }
)
_LOOKED_AT = 4  # arguments: the interpreter, its script or module, not what is passed to that


# Names that a person gave: `login` may be anything.
_GIVEN = frozenset({NameSource.ENVIRONMENT, NameSource.KUBERNETES, NameSource.CONTAINER, NameSource.SYSTEMD})


def known_class(facts: ProcessFacts, own: Name) -> ServiceClass:
    """Return the class that a process's program tells, `UNKNOWN` where it is nobody's we know.

    Args:
        own: the name that the ladder gave the process; believed only where it is the program's, not a person's.
    """
    application = of_process(facts)
    if application is not None:
        return CLASSES.get(application.name, ServiceClass.UNKNOWN)
    if not says_nothing(facts):  # a shell's or an interpreter's own class is not that of what it runs
        kind = CLASSES.get(without_version(facts.program), ServiceClass.UNKNOWN)
        if kind is not ServiceClass.UNKNOWN:
            return kind
    for word in _words(facts):
        if word in _WORKERS:
            return ServiceClass.BATCH
        if word in _SERVERS:
            return ServiceClass.APPLICATION
    if own.source in _GIVEN:
        return ServiceClass.UNKNOWN
    known = of_program(own.text)
    return CLASSES.get(known.name if known else own.text, ServiceClass.UNKNOWN)


def _words(facts: ProcessFacts) -> tuple[str, ...]:
    """Return the file names at the head of a command line, or the first word of a title."""
    words = facts.arguments[:_LOOKED_AT]
    if len(words) == 1:
        words = (words[0].split(" ", 1)[0].rstrip(":"),)
    return (facts.program, *(PurePosixPath(word).name for word in words))
