"""Monitoring, logs, chat, shells and work that nobody asks for."""

from benchmarks.fleet import asking
from benchmarks.fleet.recipe import Origin, Recipe, Way
from exporter.identity.facts import ServiceClass

MONITORING, LOGGING, CHAT = ServiceClass.MONITORING, ServiceClass.LOGGING, ServiceClass.CHAT
SHELL, BATCH = ServiceClass.SHELL, ServiceClass.BATCH
PROMETHEUS = """\
global: {scrape_interval: 2s}
scrape_configs:
- job_name: self
  static_configs: [{targets: ["127.0.0.1:$port"]}]
"""
QUERIED = asking.pages("/api/v1/query?query=up", "/api/v1/labels", "/metrics")
METRICS = asking.scrapes("/metrics")

MONITORS = (
    Recipe(
        "prometheus",
        "prometheus",
        MONITORING,
        "prometheus --config.file=$folder/prometheus.yml --storage.tsdb.path=$folder/data"
        " --web.listen-address=127.0.0.1:$port",
        ("prometheus",),
        files={"prometheus.yml": PROMETHEUS},
        ask=QUERIED,
    ),
    Recipe(
        "node-exporter",
        "node_exporter",
        MONITORING,
        "prometheus-node-exporter --web.listen-address=127.0.0.1:$port",
        ("prometheus-node-exporter",),
        ask=METRICS,
        way=Way.SUPERVISED,
    ),
    Recipe(
        "alertmanager",
        "alertmanager",
        MONITORING,
        "prometheus-alertmanager --config.file=$folder/am.yml --storage.path=$folder/data"
        " --web.listen-address=127.0.0.1:$port --cluster.listen-address=",
        ("prometheus-alertmanager",),
        files={"am.yml": "route: {receiver: none}\nreceivers: [{name: none}]\n"},
        ask=asking.pages("/api/v2/alerts", "/metrics", "/api/v2/status"),
    ),
    Recipe(
        "blackbox-exporter",
        "blackbox_exporter",
        MONITORING,
        "prometheus-blackbox-exporter --config.file=$folder/bb.yml --web.listen-address=127.0.0.1:$port",
        ("prometheus-blackbox-exporter",),
        files={"bb.yml": "modules: {http: {prober: http}}\n"},
        ask=asking.scrapes("/probe?module=http&target=http://127.0.0.1:18081/goods/1", "/metrics"),
    ),
    Recipe(
        "pushgateway",
        "pushgateway",
        MONITORING,
        "prometheus-pushgateway --web.listen-address=127.0.0.1:$port",
        ("prometheus-pushgateway",),
        ask=METRICS,
        way=Way.UNIT,
    ),
    Recipe(
        "victoria-metrics",
        "victoria-metrics",
        MONITORING,
        "victoria-metrics -storageDataPath=$folder/data -httpListenAddr=127.0.0.1:$port -memory.allowedBytes=64MB",
        ("victoria-metrics",),
        ask=QUERIED,
    ),
    Recipe(
        "zabbix-agent",
        "zabbix-agent",
        MONITORING,
        "zabbix_agentd -f -c $folder/zabbix.conf",
        ("zabbix-agent",),
        files={
            "zabbix.conf": "Server=127.0.0.1\nListenPort=$port\nListenIP=127.0.0.1\nAllowRoot=1\n"
            "LogType=console\nPidFile=$folder/pid\n"
        },
        ask=asking.items,
    ),
    Recipe(
        "snmpd",
        "snmpd",
        MONITORING,
        "snmpd -f -Lo -C -c $folder/snmpd.conf -p $folder/pid -I system_mib tcp:127.0.0.1:$port",
        ("snmpd",),
        files={"snmpd.conf": "rocommunity public\n"},
        environment={"SNMP_PERSISTENT_DIR": "$folder"},
        ask=asking.says(
            bytes.fromhex("302602010104067075626c6963a01902047fffffff020100020100300b300906052b060102010500")
        ),
    ),
)

RSYSLOG = """\
module(load="imtcp")
input(type="imtcp" port="$port" address="127.0.0.1")
*.* $folder/all.log
"""
SYSLOG_NG = """\
@version: 3.38
source s { network(ip("127.0.0.1") port($port) transport("tcp")); };
destination d { file("$folder/all.log"); };
log { source(s); destination(d); };
"""
LINES = asking.tells(
    b"<34>Oct 11 22:14:15 shop su: it failed for lonvick on /dev/pts/8\n",
    b"<165>Aug 24 05:34:00 shop till[10]: sold one\n",
)
NGIRCD = """\
[Global]
Name = irc.shop.test
Info = shop
Listen = 127.0.0.1
Ports = $port
ServerUID = root
ServerGID = root
[Options]
DNS = no
Ident = no
PAM = no
"""
INSPIRCD = """\
<server name="irc.shop.test" description="shop" network="shop">
<admin name="a" nick="a" email="a@shop.test">
<bind address="127.0.0.1" port="$port" type="clients">
<connect allow="*" timeout="60" pingfreq="120" localmax="100" globalmax="100" resolvehostnames="no">
<path configdir="$folder" datadir="$folder" logdir="$folder" runtimedir="$folder"
 moduledir="$root/usr/lib/inspircd/modules">
<pid file="$folder/pid">
"""
GREETED = asking.says(b"NICK ann\r\nUSER ann 0 * :ann\r\n", b"JOIN #shop\r\n", b"PING :x\r\n", b"WHO #shop\r\n")
BATCH_PYTHON = """\
import gzip, json, os, pathlib, random, time
folder = pathlib.Path("$folder")
while True:
    rows = [{"order": n, "total": random.random()} for n in range(20000)]
    with gzip.open(folder / f"report-{os.getpid()}.gz", "wt") as file:
        json.dump(rows, file)
    with gzip.open(folder / f"report-{os.getpid()}.gz", "rt") as file:
        sum(row["total"] for row in json.load(file))
    time.sleep(random.random() * 3)
"""
BATCH_NODE = """\
const fs = require("fs"), zlib = require("zlib")
function work() {
  const rows = Array.from({ length: 20000 }, (_, n) => ({ n, total: Math.random() }))
  fs.writeFileSync("$folder/out.gz", zlib.gzipSync(JSON.stringify(rows)))
  JSON.parse(zlib.gunzipSync(fs.readFileSync("$folder/out.gz")))
  setTimeout(work, Math.random() * 3000)
}
work()
"""
BATCH_SHELL = """#!/bin/sh
while true; do
  seq 1 200000 > $folder/numbers; sort -rn $folder/numbers | gzip > $folder/numbers.gz
  gunzip -c $folder/numbers.gz | md5sum > $folder/sum; sleep 1
done
"""
TASKS = """\
from celery import Celery
app = Celery("shop", broker="redis://127.0.0.1:$redis/3")
app.conf.beat_schedule = {"n": {"task": "shop.resize", "schedule": 0.2, "args": (9000,)}}
@app.task
def resize(size):
    return sum(n * n for n in range(size * 10))
"""
RQ_FEED = """\
import redis, rq, time
queue = rq.Queue(connection=redis.Redis(port=$redis, db=4))
while True:
    queue.enqueue("math.factorial", 2000)
    time.sleep(0.3)
"""

REST = (
    Recipe(
        "rsyslog",
        "rsyslog",
        LOGGING,
        "rsyslogd -n -f $folder/rsyslog.conf -i $folder/pid",
        ("rsyslog",),
        files={"rsyslog.conf": RSYSLOG},
        environment={"RSYSLOG_MODDIR": "$root/usr/lib/x86_64-linux-gnu/rsyslog"},
        ask=LINES,
    ),
    Recipe(
        "syslog-ng",
        "syslog-ng",
        LOGGING,
        "syslog-ng -F --no-caps -f $folder/ng.conf -p $folder/pid -R $folder/persist -c $folder/control"
        " --module-path=$root/usr/lib/syslog-ng/3.38",
        ("syslog-ng-core",),
        files={"ng.conf": SYSLOG_NG},
        ask=LINES,
        environment={"LD_LIBRARY_PATH": "$libraries:$root/usr/lib/syslog-ng"},
        way=Way.UNIT,
    ),
    Recipe(
        "ngircd",
        "ngircd",
        CHAT,
        "ngircd -n -f $folder/ngircd.conf",
        ("ngircd",),
        files={"ngircd.conf": NGIRCD},
        ask=GREETED,
    ),
    Recipe(
        "inspircd",
        "inspircd",
        CHAT,
        "inspircd --nofork --runasroot --config=$folder/inspircd.conf",
        ("inspircd",),
        files={"inspircd.conf": INSPIRCD},
        ask=GREETED,
        way=Way.UNIT,
    ),
    Recipe(
        "dropbear",
        "dropbear",
        SHELL,
        "dropbear -F -E -p 127.0.0.1:$port -r $folder/key -P $folder/pid",
        ("dropbear-bin",),
        prepare=("dropbearkey -t ed25519 -f $folder/key",),
        ask=asking.says(b"SSH-2.0-larimar\r\n"),
    ),
    Recipe(
        "python-batch",
        "reports",
        BATCH,
        "$venv/bin/python $folder/reports.py",
        origin=Origin.OWN,
        files={"reports.py": BATCH_PYTHON},
        listens=False,
    ),
    Recipe(
        "node-batch",
        "thumbnails",
        BATCH,
        "node $folder/thumbnails.js",
        origin=Origin.OWN,
        files={"thumbnails.js": BATCH_NODE},
        listens=False,
        way=Way.SUPERVISED,
    ),
    Recipe(
        "shell-batch",
        "nightly",
        BATCH,
        "$folder/nightly.sh",
        origin=Origin.OWN,
        files={"nightly.sh": BATCH_SHELL},
        listens=False,
        way=Way.UNIT,
    ),
    Recipe(
        "celery",
        "shop-worker",
        BATCH,
        "$venv/bin/celery -A shop worker -c 2 -B -s $folder/schedule",
        origin=Origin.PYPI,
        files={"shop.py": TASKS},
        environment={"PYTHONPATH": "$folder"},
        listens=False,
    ),
    Recipe(
        "rq", "rq", BATCH, "$venv/bin/rq worker --url redis://127.0.0.1:$redis/4", origin=Origin.PYPI, listens=False
    ),
    Recipe(
        "rq-feed",
        "feeder",
        BATCH,
        "$venv/bin/python $folder/feeder.py",
        origin=Origin.OWN,
        files={"feeder.py": RQ_FEED},
        listens=False,
    ),
)
