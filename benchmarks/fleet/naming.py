"""Servers of names, mail and files."""

from benchmarks.fleet import asking
from benchmarks.fleet.recipe import Origin, Recipe, Way
from exporter.identity.facts import ServiceClass

DNS, MAIL, FILE = ServiceClass.DNS, ServiceClass.MAIL, ServiceClass.FILE
ZONE = """\
$$ORIGIN shop.test.
$$TTL 60
@ IN SOA ns.shop.test. root.shop.test. 1 60 60 600 60
@ IN NS ns.shop.test.
ns IN A 127.0.0.1
www IN A 127.0.0.2
db IN AAAA ::1
@ IN MX 10 mail.shop.test.
mail IN A 127.0.0.3
"""
BIND = """\
options { directory "$folder"; listen-on port $port { 127.0.0.1; }; listen-on-v6 { none; }; recursion no;
  pid-file none; session-keyfile none; managed-keys-directory "$folder"; };
controls { };
zone "shop.test" { type primary; file "$folder/shop.zone"; };
"""
UNBOUND = """\
server:
  directory: "$folder"
  chroot: ""
  username: ""
  pidfile: ""
  port: $port
  interface: 127.0.0.1
  use-syslog: no
  local-zone: "shop.test." static
  local-data: "www.shop.test. IN A 127.0.0.2"
  local-data: "mail.shop.test. IN A 127.0.0.3"
remote-control:
  control-enable: no
"""
KNOT = """\
server:
  rundir: "$folder"
  listen: 127.0.0.1@$port
database:
  storage: "$folder"
zone:
  - domain: shop.test
    storage: "$folder"
    file: shop.zone
"""
NSD = """\
server:
  ip-address: 127.0.0.1
  port: $port
  username: ""
  chroot: ""
  zonesdir: "$folder"
  pidfile: "$folder/pid"
  database: ""
  xfrdfile: "$folder/xfrd"
  zonelistfile: "$folder/zones"
  logfile: "$folder/nsd.log"
remote-control:
  control-enable: no
zone:
  name: shop.test
  zonefile: shop.zone
"""
RECURSOR = """\
local-address=127.0.0.1
local-port=$port
auth-zones=shop.test=$folder/shop.zone
socket-dir=$folder
config-dir=$folder
disable-syslog=yes
security-poll-suffix=
webserver=no
threads=1
dnssec=off
"""
DNSDIST = """\
setLocal("127.0.0.1:$port")
addAction(QTypeRule(DNSQType.A), SpoofAction({"127.0.0.9"}))
addAction(AllRule(), RCodeAction(DNSRCode.NXDOMAIN))
newServer("127.0.0.1:9")
"""
ASKED = asking.names()

DNS_SERVERS = (
    Recipe(
        "bind9",
        "bind",
        DNS,
        "named -f -c $folder/named.conf",
        ("bind9",),
        files={"named.conf": BIND, "shop.zone": ZONE},
        ask=ASKED,
        way=Way.UNIT,
    ),
    Recipe(
        "unbound",
        "unbound",
        DNS,
        "unbound -d -c $folder/unbound.conf",
        ("unbound",),
        files={"unbound.conf": UNBOUND},
        ask=ASKED,
    ),
    Recipe(
        "dnsmasq",
        "dnsmasq",
        DNS,
        "dnsmasq -k -C /dev/null --port=$port --listen-address=127.0.0.1 --bind-interfaces --no-resolv"
        " --address=/www.shop.test/127.0.0.2 --local=/test/ --user=root --pid-file",
        ("dnsmasq-base",),
        ask=ASKED,
    ),
    Recipe(
        "knot",
        "knot",
        DNS,
        "knotd -c $folder/knot.conf",
        ("knot",),
        files={"knot.conf": KNOT, "shop.zone": ZONE},
        ask=ASKED,
        way=Way.SUPERVISED,
    ),
    Recipe(
        "nsd", "nsd", DNS, "nsd -d -c $folder/nsd.conf", ("nsd",), files={"nsd.conf": NSD, "shop.zone": ZONE}, ask=ASKED
    ),
    Recipe(
        "pdns-recursor",
        "pdns-recursor",
        DNS,
        "pdns_recursor --config-dir=$folder --daemon=no",
        ("pdns-recursor",),
        files={"recursor.conf": RECURSOR, "shop.zone": ZONE},
        ask=ASKED,
    ),
    Recipe(
        "dnsdist",
        "dnsdist",
        DNS,
        "dnsdist --supervised -C $folder/dnsdist.conf --disable-syslog",
        ("dnsdist",),
        files={"dnsdist.conf": DNSDIST},
        ask=ASKED,
    ),
)

SMTPD = """\
import asyncio
from aiosmtpd.controller import Controller
class Inbox:
    async def handle_DATA(self, server, session, envelope):
        return "250 kept"
Controller(Inbox(), hostname="127.0.0.1", port=$port).start()
asyncio.new_event_loop().run_forever()
"""
SMTP_NODE = """\
const { SMTPServer } = require("$npm/smtp-server")
new SMTPServer({ authOptional: true, disabledCommands: ["STARTTLS"], onData(stream, session, done) {
  stream.resume(); stream.on("end", done) } }).listen($port, "127.0.0.1")
"""

MAIL_SERVERS = (
    Recipe(
        "aiosmtpd",
        "inbox",
        MAIL,
        "$venv/bin/python $folder/inbox.py",
        origin=Origin.PYPI,
        files={"inbox.py": SMTPD},
        ask=asking.mail,
        way=Way.SHELL,
    ),
    Recipe(
        "smtp-server",
        "postbox",
        MAIL,
        "node $folder/postbox.js",
        origin=Origin.NPM,
        files={"postbox.js": SMTP_NODE},
        ask=asking.mail,
    ),
    Recipe(
        "postfix-sink",
        "smtp-sink",
        MAIL,
        "smtp-sink -u root -c 127.0.0.1:$port 20",
        ("postfix",),
        environment={"LD_LIBRARY_PATH": "$libraries:$root/usr/lib/postfix"},
        ask=asking.mail,
        way=Way.UNIT,
    ),
)

FILES = {"pub/page.html": "the quick brown fox " * 300}
PROFTPD = """\
ServerName shop
ServerType standalone
DefaultAddress 127.0.0.1
Port $port
User root
Group root
PidFile $folder/pid
ScoreboardFile $folder/score
SystemLog none
TransferLog none
WtmpLog off
ModulePath $root/usr/lib/proftpd
DefaultServer on
UseIPv6 off
<Anonymous $folder/pub>
  User nobody
  Group nogroup
  UserAlias anonymous nobody
  RequireValidShell off
</Anonymous>
"""
RSYNCD = "port = $port\naddress = 127.0.0.1\nuse chroot = no\n[pub]\npath = $folder/pub\nread only = yes\n"

FILE_SERVERS = (
    Recipe(
        "proftpd",
        "proftpd",
        FILE,
        "proftpd -n -q -c $folder/proftpd.conf",
        ("proftpd-core",),
        files={"proftpd.conf": PROFTPD, **FILES},
        ask=asking.files,
    ),
    Recipe(
        "pyftpdlib",
        "pyftpdlib",
        FILE,
        "$venv/bin/python -m pyftpdlib -p $port -i 127.0.0.1 -d $folder/pub",
        origin=Origin.PYPI,
        files=FILES,
        ask=asking.files,
    ),
    Recipe(
        "rsync",
        "rsync",
        FILE,
        "rsync --daemon --no-detach --config=$folder/rsyncd.conf",
        ("rsync",),
        files={"rsyncd.conf": RSYNCD, **FILES},
        ask=asking.listing,
    ),
)
