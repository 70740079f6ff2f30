"""What kind of thing a service is, where the program that it runs says so."""

from pathlib import PurePosixPath

from exporter.identity.executable import says_nothing
from exporter.identity.facts import Name, NameSource, ProcessFacts, ServiceClass
from exporter.identity.known import of_process, of_program
from exporter.identity.names import without_version

_WORDS: dict[ServiceClass, str] = {
    ServiceClass.WEB: """
        nginx apache lighttpd caddy mini-httpd webfsd thttpd darkhttpd micro-httpd monkey yaws http-server serve
        http.server h2o icecast2 merecat hugo nhttpd bozohttpd cherokee hiawatha civetweb gatling sirv live-server
        local-web-server miniserve static-web-server jekyll mkdocs""",
    ServiceClass.PROXY: """
        haproxy envoy traefik varnish squid stunnel tinyproxy privoxy hitch pgbouncer proxysql mongos nutcracker
        mcrouter trafficserver traffic_server pound microsocks danted sslh kong istio-proxy linkerd2-proxy nghttpx pen
        rinetd pgpool pgcat odyssey sniproxy polipo 3proxy redsocks ss-server ss-local tor coturn frps frpc cloudflared
        oauth2-proxy mitmproxy mitmdump mitmweb cntlm ziproxy balance v2ray xray skipper sozu""",
    ServiceClass.APPLICATION: """
        php-fpm gunicorn uvicorn hypercorn daphne granian waitress uwsgi puma unicorn tomcat jetty wildfly flask
        fastapi streamlit radicale sanic starman plackup twiggy hypnotoad thin falcon webhook json-server verdaccio
        jupyter jupyter-lab jupyter-notebook datasette gitea forgejo keycloak odoo""",
    ServiceClass.DATABASE: """
        postgres mysql mariadb mongodb clickhouse cockroachdb influxdb etcd minio tarantool firebird fbserver neo4j
        cassandra couchdb zookeeper consul scylla virtuoso monetdbd mserver5 h2 hsqldb derby hbase arangod rethinkdb
        questdb surreal dgraph tidb-server tikv-server pd-server yb-tserver yb-master rqlited fdbserver rrdcached
        qdrant weaviate milvus weed ceph-osd ceph-mon""",
    ServiceClass.CACHE: "redis redis-sentinel valkey keydb memcached dragonfly hazelcast redict kvrocks pogocache",
    ServiceClass.QUEUE: """
        rabbitmq nats mosquitto beanstalkd gearman kafka activemq pulsar artemis redpanda nsqd nsqlookupd emqx vernemq
        hivemq nanomq lavinmq qpidd qdrouterd faktory disque""",
    ServiceClass.SEARCH: """
        sphinx manticore elasticsearch opensearch solr meilisearch typesense groonga zincsearch quickwit""",
    ServiceClass.DNS: """
        bind unbound dnsmasq powerdns pdns-recursor coredns knot nsd yadifa dnsdist systemd-resolved gdnsd kresd
        maradns tinydns dnscache pdnsd stubby dnscrypt-proxy AdGuardHome pihole-FTL hickory-dns avahi-daemon blocky""",
    ServiceClass.MAIL: """
        postfix dovecot exim opensmtpd sendmail aiosmtpd maildev courier msmtpd rspamd spamd opendkim opendmarc postgrey
        amavisd haraka mailpit mailhog stalwart maddy""",
    ServiceClass.DIRECTORY: "openldap freeradius sssd ns-slapd glauth lldap krb5kdc winbindd nslcd",
    ServiceClass.FILE: """
        samba vsftpd proftpd pure-ftpd rsync tftpd pyftpdlib nfsd transmission aria2 git-daemon nbd-server minidlnad
        afpd ganesha.nfsd syncthing atftpd wsgidav copyparty sftpgo rclone deluged rtorrent qbittorrent-nox""",
    ServiceClass.MONITORING: """
        prometheus alertmanager node_exporter grafana blackbox_exporter pushgateway victoria-metrics netdata collectd
        snmpd munin-node zabbix-agent telegraf monit larimar-exporter larimar-detector statsd nrpe nagios icinga2 pmcd
        darkstat vnstatd carbon-cache carbon-relay thanos cadvisor kube-state-metrics vmagent vmalert otelcol
        datadog-agent gmond smartd zabbix_server snmptrapd karma""",
    ServiceClass.LOGGING: """
        rsyslog syslog-ng fluentd fluent-bit vector systemd-journald auditd syslogd klogd metalog ulogd loki promtail
        filebeat logstash td-agent""",
    ServiceClass.CHAT: """
        ngircd inspircd prosody ejabberd mattermost ircd-hybrid charybdis solanum unrealircd miniircd znc bitlbee
        murmurd mumble-server dendrite""",
    ServiceClass.BATCH: "cron crond atd anacron",
    ServiceClass.SHELL: """
        sshd dropbear bash sh dash zsh fish ksh tmux screen login su shellinaboxd ttyd gotty wetty tinysshd mosh-server
        telnetd""",
    ServiceClass.TIME: "chrony ntpd ntpsec systemd-timesyncd ptp4l phc2sys",
    ServiceClass.SYSTEM: """
        systemd init supervisord runit runsvdir s6-svscan dbus dbus-daemon docker containerd podman kubelet udevd
        systemd-udevd systemd-logind agetty tini dumb-init""",
}
CLASSES: dict[str, ServiceClass] = {name: kind for kind, words in _WORDS.items() for name in words.split()}
"""By the name that people call a program."""

_WORKERS = frozenset({"arq", "celery", "rq", "rqworker", "dramatiq", "huey_consumer", "sidekiq", "taskiq"})
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
        "sanic",
        "starman",
        "plackup",
    }
)
_EXPORTER = ("_exporter", "-exporter")
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
        return _of_name(application.name)
    if not says_nothing(facts):  # a shell's or an interpreter's own class is not that of what it runs
        kind = _of_name(without_version(facts.program))
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
    return _of_name(known.name if known else own.text)


def _of_name(name: str) -> ServiceClass:
    """Return the class of what people call so; whatever exports to Prometheus watches something."""
    kind = CLASSES.get(name, ServiceClass.UNKNOWN)
    return ServiceClass.MONITORING if kind is ServiceClass.UNKNOWN and name.endswith(_EXPORTER) else kind


def _words(facts: ProcessFacts) -> tuple[str, ...]:
    """Return the file names at the head of a command line, or the first word of a title."""
    words = facts.arguments[:_LOOKED_AT]
    if len(words) == 1:
        words = (words[0].split(" ", 1)[0].rstrip(":"),)
    return (facts.program, *(PurePosixPath(word).name for word in words))
