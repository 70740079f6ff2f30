"""Databases, caches, queues, search engines and directories."""

from benchmarks.fleet import asking
from benchmarks.fleet.recipe import Origin, Recipe, Way
from exporter.identity.facts import ServiceClass

DATABASE, CACHE, QUEUE = ServiceClass.DATABASE, ServiceClass.CACHE, ServiceClass.QUEUE
ORDERS = '{"order": 7, "total": "19.99"}'

POSTGRES = (
    "postgres -D $folder/data -p $port -c fsync=off -c listen_addresses=127.0.0.1 -c unix_socket_directories=$folder"
)
MARIADB = (
    "mariadbd --no-defaults --skip-grant-tables --datadir=$folder/data --port=$port --socket=$folder/socket"
    " --pid-file=$folder/pid --lc-messages-dir=$root/usr/share/mysql"
    " --character-sets-dir=$root/usr/share/mysql/charsets"
    " --bind-address=127.0.0.1 --user=root --innodb-flush-log-at-trx-commit=0"
)
TARANTOOL = """\
box.cfg{listen = '127.0.0.1:$port', work_dir = '$folder'}
box.schema.user.grant('guest', 'super', nil, nil, {if_not_exists = true})
"""

DATABASES = (
    Recipe(
        "postgresql",
        "postgres",
        DATABASE,
        POSTGRES,
        ("postgresql",),
        is_root=False,
        ask=asking.postgres,
        prepare=("initdb -D $folder/data -U tester -A trust -E UTF8 --no-sync",),
    ),
    Recipe(
        "mariadb",
        "mariadb",
        DATABASE,
        MARIADB,
        ("mariadb-server-core",),
        files={"data/README": ""},
        ask=asking.mysql,
        way=Way.UNIT,
    ),
    Recipe(
        "etcd",
        "etcd",
        DATABASE,
        "etcd --data-dir $folder/data --listen-client-urls http://127.0.0.1:$port"
        " --advertise-client-urls http://127.0.0.1:$port --listen-peer-urls http://127.0.0.1:$other",
        ("etcd-server",),
        ask=asking.cells,
    ),
    Recipe(
        "influxdb",
        "influxdb",
        DATABASE,
        "influxd run -config $folder/influx.conf",
        ("influxdb",),
        files={
            "influx.conf": 'bind-address = "127.0.0.1:$other"\nreporting-disabled = true\n[meta]\n'
            'dir = "$folder/meta"\n[data]\ndir = "$folder/data"\nwal-dir = "$folder/wal"\n'
            '[http]\nbind-address = "127.0.0.1:$port"\nlog-enabled = false\n'
        },
        ask=asking.points,
        way=Way.SHELL,
    ),
    Recipe(
        "tarantool",
        "tarantool",
        DATABASE,
        "tarantool $folder/init.lua",
        ("tarantool",),
        files={"init.lua": TARANTOOL},
        ask=asking.tuples,
    ),
)

FAKE_REDIS = """\
from fakeredis import TcpFakeServer
TcpFakeServer.allow_reuse_address = True
TcpFakeServer(("127.0.0.1", $port), server_type="redis").serve_forever()
"""

CACHES = (
    Recipe(
        "redis",
        "redis",
        CACHE,
        "redis-server --port $port --bind 127.0.0.1 --save '' --dir $folder",
        ("redis-server",),
        ask=asking.keys,
    ),
    Recipe(
        "memcached",
        "memcached",
        CACHE,
        "memcached -u root -l 127.0.0.1 -p $port -U 0",
        ("memcached",),
        ask=asking.slabs,
        way=Way.SUPERVISED,
    ),
    Recipe(
        "fakeredis",
        "sessions",
        CACHE,
        "$venv/bin/python $folder/sessions.py",
        origin=Origin.PYPI,
        files={"sessions.py": FAKE_REDIS},
        ask=asking.keys,
    ),
    # What nobody could tell by its name.
    Recipe(
        "redis",
        "kvd",
        CACHE,
        "redis-server --port $port --bind 127.0.0.1 --save '' --dir $folder",
        ("redis-server",),
        ask=asking.keys,
        way=Way.RENAMED,
        other_name="kvd",
    ),
)

ERL = (
    '#!/bin/sh\nexport ROOTDIR=$root/usr/lib/erlang BINDIR=$erlang EMU=beam PROGNAME=erl\nexec $erlang/erlexec "$$@"\n'
)
RABBIT = {
    "PATH": "$folder:$erlang:$path",
    "HOME": "$folder",
    "ERL_EPMD_PORT": "$other",
    "RUNNING_UNDER_SYSTEMD": "1",
    "RABBITMQ_NODENAME": "rabbit@localhost",
    "RABBITMQ_MNESIA_BASE": "$folder/mnesia",
    "RABBITMQ_LOGS": "$folder/rabbit.log",
    "RABBITMQ_ENABLED_PLUGINS_FILE": "$folder/plugins",
    "RABBITMQ_CONFIG_FILE": "$folder/rabbitmq.conf",
    "RABBITMQ_CONF_ENV_FILE": "/dev/null",
    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none",
}
AEDES = """\
const net = require("net")
async function main() {
  const { Aedes } = await import("$npm/aedes/aedes.js")
  const broker = await Aedes.createBroker()
  net.createServer(broker.handle).listen($port, "127.0.0.1")
}
main()
"""
AMQTT = """\
listeners:
  default:
    type: tcp
    bind: 127.0.0.1:$port
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin:
    allow_anonymous: true
"""

QUEUES = (
    Recipe(
        "rabbitmq",
        "rabbitmq",
        QUEUE,
        "sh -c '$erlang/epmd -address 127.0.0.1 & exec $rabbitmq/sbin/rabbitmq-server'",
        ("rabbitmq-server",),
        files={"erl": ERL, "plugins": "[].", "rabbitmq.conf": "listeners.tcp.1 = 127.0.0.1:$port\n"},
        environment=RABBIT,
        ask=asking.exchanges,
        ready_seconds=90.0,
    ),
    Recipe(
        "mosquitto",
        "mosquitto",
        QUEUE,
        "mosquitto -c $folder/mosquitto.conf",
        ("mosquitto",),
        files={"mosquitto.conf": "listener $port 127.0.0.1\nallow_anonymous true\nuser root\n"},
        ask=asking.topics,
        way=Way.UNIT,
    ),
    Recipe("nats-server", "nats", QUEUE, "nats-server -a 127.0.0.1 -p $port", ("nats-server",), ask=asking.subjects),
    Recipe(
        "beanstalkd",
        "beanstalkd",
        QUEUE,
        "beanstalkd -l 127.0.0.1 -p $port",
        ("beanstalkd",),
        ask=asking.jobs,
        way=Way.SUPERVISED,
    ),
    Recipe(
        "gearmand",
        "gearman",
        QUEUE,
        "gearmand --listen=127.0.0.1 --port=$port --log-file=stderr -u root",
        ("gearman-job-server",),
        ask=asking.gears,
    ),
    Recipe(
        "aedes",
        "broker",
        QUEUE,
        "node $folder/broker.js",
        origin=Origin.NPM,
        files={"broker.js": AEDES},
        ask=asking.topics,
    ),
    Recipe(
        "amqtt",
        "amqtt",
        QUEUE,
        "$venv/bin/amqtt -c $folder/amqtt.yaml",
        origin=Origin.PYPI,
        files={"amqtt.yaml": AMQTT},
        ask=asking.topics,
    ),
)

SPHINX = """\
index goods
{
  type = rt
  path = $folder/goods
  rt_field = title
  rt_attr_uint = price
}
searchd
{
  listen = 127.0.0.1:$port:mysql41
  log = $folder/searchd.log
  pid_file = $folder/pid
  binlog_path =
}
"""
SLAPD = """\
include $root/etc/ldap/schema/core.schema
pidfile $folder/pid
modulepath $root/usr/lib/ldap
moduleload back_mdb
database mdb
suffix "dc=example"
directory $folder
"""

OTHERS = (
    Recipe(
        "sphinxsearch",
        "sphinx",
        ServiceClass.SEARCH,
        "searchd --nodetach -c $folder/sphinx.conf",
        ("sphinxsearch",),
        files={"sphinx.conf": SPHINX},
        ask=asking.found,
    ),
    Recipe(
        "slapd",
        "openldap",
        ServiceClass.DIRECTORY,
        "slapd -f $folder/slapd.conf -h ldap://127.0.0.1:$port -d 0",
        ("slapd",),
        files={"slapd.conf": SLAPD},
        ask=asking.directory,
    ),
)
