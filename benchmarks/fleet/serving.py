"""Web servers, applications and proxies."""

from benchmarks.fleet import asking
from benchmarks.fleet.recipe import HTTP_PORT, Origin, Recipe, Way
from exporter.identity.facts import ServiceClass

PAGE = "<html>" + "the quick brown fox " * 60 + "</html>"
PAGES = {"www/index.html": PAGE, "www/page.html": PAGE, "www/big.txt": "lorem ipsum " * 4000}
ASKED = asking.pages("/index.html", "/page.html", "/big.txt", "/missing")
WEB, PROXY, APPLICATION = ServiceClass.WEB, ServiceClass.PROXY, ServiceClass.APPLICATION

NGINX = """\
daemon off; worker_processes 2; pid $folder/pid; error_log $folder/error.log; user root;
events { worker_connections 256; }
http {
  access_log $folder/access.log; client_body_temp_path $folder/b; proxy_temp_path $folder/p;
  fastcgi_temp_path $folder/f; uwsgi_temp_path $folder/u; scgi_temp_path $folder/s;
  server { listen 127.0.0.1:$port; %s }
}
"""
APACHE = """\
ServerRoot $folder
ServerName shop.test
PidFile $folder/pid
ErrorLog $folder/error.log
Listen 127.0.0.1:$port
LoadModule mpm_event_module $root/usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module $root/usr/lib/apache2/modules/mod_authz_core.so
DocumentRoot $folder/www
"""
LIGHTTPD = """\
server.document-root = "$folder/www"
server.port = $port
server.bind = "127.0.0.1"
server.errorlog = "$folder/error.log"
index-file.names = ("index.html")
"""

WEB_SERVERS = (
    Recipe(
        "nginx",
        "nginx",
        WEB,
        "nginx -p $folder -c $folder/nginx.conf -e $folder/error.log",
        ("nginx",),
        files={"nginx.conf": NGINX % "root $folder/www;", **PAGES},
        ask=ASKED,
    ),
    Recipe(
        "apache2",
        "apache",
        WEB,
        "apache2 -f $folder/apache.conf -DFOREGROUND",
        ("apache2-bin",),
        files={"apache.conf": APACHE, **PAGES},
        ask=ASKED,
        way=Way.SUPERVISED,
    ),
    Recipe(
        "lighttpd",
        "lighttpd",
        WEB,
        "lighttpd -D -f $folder/lighttpd.conf -m $root/usr/lib/lighttpd",
        ("lighttpd",),
        files={"lighttpd.conf": LIGHTTPD, **PAGES},
        ask=ASKED,
        way=Way.UNIT,
    ),
    Recipe(
        "caddy",
        "caddy",
        WEB,
        "caddy file-server --root $folder/www --listen 127.0.0.1:$port",
        ("caddy",),
        files=PAGES,
        environment={"HOME": "$folder"},
        ask=ASKED,
        way=Way.SHELL,
    ),
    Recipe(
        "mini-httpd",
        "mini-httpd",
        WEB,
        "mini_httpd -D -h 127.0.0.1 -p $port -d $folder/www -u root",
        ("mini-httpd",),
        files=PAGES,
        ask=ASKED,
    ),
    Recipe(
        "webfs",
        "webfsd",
        WEB,
        "webfsd -F -i 127.0.0.1 -p $port -r $folder/www",
        ("webfs",),
        files=PAGES,
        ask=ASKED,
        way=Way.UNIT,
    ),
    Recipe(
        "http.server",
        "http.server",
        WEB,
        "$venv/bin/python -m http.server $port -d $folder/www -b 127.0.0.1",
        origin=Origin.PYPI,
        files=PAGES,
        ask=ASKED,
    ),
    Recipe(
        "http-server",
        "http-server",
        WEB,
        "node $npm/http-server/bin/http-server $folder/www -p $port -a 127.0.0.1",
        origin=Origin.NPM,
        files=PAGES,
        ask=ASKED,
        environment={"HOME": "$folder"},
    ),
)

WSGI = """\
import json, urllib.request, redis, psycopg
cache = redis.Redis(port=$redis)
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if environ["REQUEST_METHOD"] == "POST":
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        cache.incr("orders")
    total = sum(n * n for n in range(20000))
    cached = cache.get("item:" + path)
    if cached is None:
        with psycopg.connect("host=127.0.0.1 port=$postgres user=tester dbname=postgres sslmode=disable") as one:
            one.execute("SELECT 1").fetchone()
        cache.set("item:" + path, b"x" * 300, ex=1)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"path": path, "total": total, "items": list(range(60))}).encode()]
"""
ASGI = """\
import json
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
import redis.asyncio
cache = redis.asyncio.Redis(port=$redis)
async def goods(request):
    await cache.get("goods")
    return JSONResponse({"goods": [{"id": n, "price": n * 3} for n in range(80)]})
async def buy(request):
    await request.body()
    await cache.incr("sold")
    return JSONResponse({"sold": True}, 201)
app = Starlette(routes=[Route("/goods/{n}", goods), Route("/buy", buy, methods=["POST"])])
"""
FLASK = """\
import hashlib
from flask import Flask, request
app = Flask("accounts")
@app.route("/users/<int:number>")
def user(number):
    return {"number": number, "digest": hashlib.pbkdf2_hmac("sha256", b"x", b"y", 3000).hex()}
@app.route("/login", methods=["POST"])
def login():
    request.get_data()
    return {"token": hashlib.pbkdf2_hmac("sha256", b"x", b"y", 6000).hex()}
"""
EXPRESS = """\
const express = require("$npm/express"), net = require("net"), http = require("http")
const app = express()
app.use(express.urlencoded({ extended: false }))
app.get("/cart/:n", (request, response) => {
  let sum = 0; for (let n = 0; n < 200000; n++) sum += n % 7
  http.get("http://127.0.0.1:$http/goods/1", (answer) => { answer.resume(); answer.on("end", () =>
    response.json({ sum, lines: Array.from({ length: 40 }, (_, n) => ({ n, price: n * 2 })) })) })
    .on("error", () => response.status(502).end())
})
app.post("/cart", (request, response) => response.status(201).json({ stored: true }))
app.listen($port, "127.0.0.1")
"""
KOA = """\
const Koa = require("$npm/koa"), crypto = require("crypto")
const app = new Koa()
app.use(async (context) => { context.body = { path: context.path,
  digest: crypto.pbkdf2Sync("x", "y", 2000, 32, "sha256").toString("hex") } })
app.listen($port, "127.0.0.1")
"""
FASTIFY = """\
const fastify = require("$npm/fastify")(), net = require("net")
const store = net.connect($redis, "127.0.0.1")
let waiting = []
store.on("data", () => { const next = waiting.shift(); if (next) next() })
fastify.get("/stock/:n", async (request) => {
  await new Promise((done) => { waiting.push(done); store.write("GET stock:" + request.params.n + "\\r\\n") })
  return { left: 7, places: Array.from({ length: 30 }, (_, n) => "place " + n) }
})
fastify.listen({ port: $port, host: "127.0.0.1" })
"""
PLAIN_APP = """\
import http.server, json, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        urllib.request.urlopen("http://127.0.0.1:$http/goods/2").read()
        body = json.dumps({"total": sum(n % 13 for n in range(30000)), "path": self.path}).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"] or 0)); self.do_GET()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", $port), Handler).serve_forever()
"""
RACK = (
    'require "json"\nrun lambda { |env| s = 0; 20000.times { |n| s += n % 7 }\n'
    '  [200, {"Content-Type" => "application/json"}, [JSON.generate(sum: s, path: env["PATH_INFO"])]] }\n'
)
FPM = """\
[global]
error_log = $folder/error.log
daemonize = no
[shop]
listen = 127.0.0.1:$port
pm = static
pm.max_children = 3
chdir = $folder
"""
PHP = '<?php $$s = 0; for ($$n = 0; $$n < 20000; $$n++) $$s += $$n % 7; echo json_encode(["sum" => $$s]);'
API = asking.pages("/goods/1", "/goods/2", "/stock/4", "/cart/7", "/users/3", post=("/buy", "/cart", "/login"))
RUBY = (
    "$root/usr/lib/ruby/vendor_ruby:$root/usr/lib/ruby/3.1.0:$root/usr/lib/x86_64-linux-gnu/ruby/3.1.0:"
    "$root/usr/lib/x86_64-linux-gnu/ruby/vendor_ruby/3.1.0:$root/usr/share/rubygems-integration/all/gems"
)

GEMS = (
    "$root/usr/lib/x86_64-linux-gnu/rubygems-integration/3.1.0:$root/usr/share/rubygems-integration/all"
    ":$root/usr/share/rubygems-integration/3.1.0"
)
PYTHONPATH = {"PYTHONPATH": "$folder:$site"}

APPLICATIONS = (
    Recipe(
        "uvicorn",
        "catalogue",
        APPLICATION,
        "$venv/bin/uvicorn --app-dir $folder --port $port catalogue:app",
        origin=Origin.PYPI,
        files={"catalogue.py": ASGI},
        ask=API,
    ),
    Recipe(
        "gunicorn",
        "till",
        APPLICATION,
        "$venv/bin/gunicorn -w 2 -b 127.0.0.1:$port --chdir $folder till",
        origin=Origin.PYPI,
        files={"till.py": WSGI},
        environment=PYTHONPATH,
        ask=API,
        way=Way.SUPERVISED,
    ),
    Recipe(
        "flask",
        "accounts",
        APPLICATION,
        "$venv/bin/python -m waitress --listen=127.0.0.1:$port accounts:app",
        origin=Origin.PYPI,
        files={"accounts.py": FLASK},
        environment=PYTHONPATH,
        ask=API,
        way=Way.SHELL,
    ),
    Recipe(
        "express", "cart", APPLICATION, "node $folder/cart.js", origin=Origin.NPM, files={"cart.js": EXPRESS}, ask=API
    ),
    Recipe(
        "koa",
        "gate",
        APPLICATION,
        "node $folder/gate/server.js",
        origin=Origin.NPM,
        files={"gate/server.js": KOA, "gate/package.json": '{"name": "gate"}'},
        ask=API,
        way=Way.SUPERVISED,
    ),
    Recipe(
        "fastify",
        "stock",
        APPLICATION,
        "node $folder/stock.js",
        origin=Origin.NPM,
        files={"stock.js": FASTIFY},
        ask=API,
        way=Way.UNIT,
    ),
    Recipe(
        "python",
        "pricing",
        APPLICATION,
        "$venv/bin/python $folder/pricing.py",
        origin=Origin.OWN,
        files={"pricing.py": PLAIN_APP},
        ask=API,
    ),
    Recipe(
        "puma",
        "blog",
        APPLICATION,
        "sh -c 'cd $folder/blog && exec $root/usr/bin/ruby $root/usr/bin/puma -b tcp://127.0.0.1:$port'",
        ("puma",),
        files={"blog/config.ru": RACK},
        environment={"RUBYLIB": RUBY, "GEM_PATH": GEMS},
        ask=API,
    ),
    Recipe(
        "php-fpm",
        "php-fpm/shop",
        APPLICATION,
        "php-fpm8.2 -R -n -y $folder/fpm.conf",
        ("php8.2-fpm",),
        files={"fpm.conf": FPM, "page.php": PHP},
        ask=asking.scripts,
    ),
    Recipe(
        "uwsgi",
        "orders",
        APPLICATION,
        "uwsgi-core --plugins-dir $root/usr/lib/uwsgi/plugins --plugin http,python311 --http-socket 127.0.0.1:$port"
        " --master -p 2 --chdir $folder --module orders",
        ("uwsgi-core", "uwsgi-plugin-python3"),
        files={"orders.py": WSGI},
        environment=PYTHONPATH,
        ask=API,
    ),
)

HAPROXY = """\
global
  maxconn 200
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend f
  bind 127.0.0.1:$port
  default_backend b
backend b
  server one 127.0.0.1:$http
"""
VCL = """vcl 4.1; backend default { .host = "127.0.0.1"; .port = "$http"; }
sub vcl_recv { if (req.url ~ "^/stock") { return (pass); } }
"""
SQUID = """\
http_port 127.0.0.1:$port
acl all src all
http_access allow all
cache deny all
pid_filename $folder/pid
access_log none
cache_log $folder/cache.log
coredump_dir $folder
mime_table $root/usr/share/squid/mime.conf
icon_directory $root/usr/share/squid/icons
error_directory $root/usr/share/squid/errors/en
pinger_enable off
unlinkd_program $root/usr/lib/squid/unlinkd
netdb_filename none
visible_hostname shop.test
"""
TINYPROXY = "Port $port\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nUser root\nGroup root\n"
PRIVOXY = "listen-address 127.0.0.1:$port\nconfdir $folder\nlogdir $folder\n"
HITCH = """\
frontend = "[127.0.0.1]:$port"
backend = "[127.0.0.1]:$http"
pem-file = "$folder/both.pem"
workers = 1
user = "root"
"""
STUNNEL = """\
foreground = yes
pid =
[shop]
accept = 127.0.0.1:$port
connect = 127.0.0.1:$http
cert = $folder/both.pem
"""
NUTCRACKER = """\
shop:
  listen: 127.0.0.1:$port
  hash: fnv1a_64
  distribution: ketama
  redis: true
  servers:
   - 127.0.0.1:$redis:1
"""
PGBOUNCER = """\
[databases]
* = host=127.0.0.1 port=$postgres user=tester
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
auth_type = any
unix_socket_dir =
pool_mode = transaction
server_reset_query =
[users]
"""
DANTED = """\
internal: 127.0.0.1 port = $port
external: lo
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: root
client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
"""
CERTIFICATE = (
    "openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=shop.test -keyout $folder/key.pem"
    " -out $folder/certificate.pem"
)
BOTH = "sh -c 'cat $folder/key.pem $folder/certificate.pem > $folder/both.pem; chmod 600 $folder/both.pem'"
FORWARDED = asking.pages("/goods/1", "/goods/2", "/stock/4", "/missing", post=("/buy",))
FETCHED = asking.pages("/goods/1", "/goods/2", "/stock/4", post=("/buy",), through=f"http://127.0.0.1:{HTTP_PORT}")
FETCHED_ONCE = asking.scrapes("/goods/1", "/goods/2", "/stock/4", through=f"http://127.0.0.1:{HTTP_PORT}")
TUNNELLED = asking.secured("/goods/1", "/goods/2", "/stock/4")

PROXIES = (
    Recipe(
        "haproxy",
        "haproxy",
        PROXY,
        "haproxy -db -f $folder/haproxy.cfg",
        ("haproxy",),
        files={"haproxy.cfg": HAPROXY},
        ask=FORWARDED,
        way=Way.UNIT,
    ),
    Recipe(
        "varnish",
        "varnish",
        PROXY,
        "varnishd -F -a 127.0.0.1:$port -f $folder/shop.vcl -n $folder/work -s malloc,32m -j none",
        ("varnish",),
        files={"shop.vcl": VCL},
        ask=FORWARDED,
    ),
    Recipe(
        "squid",
        "squid",
        PROXY,
        "squid -N -n s$port -f $folder/squid.conf",
        ("squid",),
        is_root=False,
        files={"squid.conf": SQUID},
        ask=FETCHED,
    ),
    Recipe(
        "tinyproxy",
        "tinyproxy",
        PROXY,
        "tinyproxy -d -c $folder/tinyproxy.conf",
        ("tinyproxy",),
        files={"tinyproxy.conf": TINYPROXY},
        ask=FETCHED_ONCE,
        way=Way.SUPERVISED,
    ),
    Recipe(
        "privoxy",
        "privoxy",
        PROXY,
        "privoxy --no-daemon $folder/config",
        ("privoxy",),
        files={"config": PRIVOXY},
        ask=FETCHED,
    ),
    Recipe(
        "hitch",
        "hitch",
        PROXY,
        "hitch --config=$folder/hitch.conf",
        ("hitch",),
        files={"hitch.conf": HITCH},
        prepare=(CERTIFICATE, BOTH),
        ask=TUNNELLED,
    ),
    Recipe(
        "stunnel4",
        "stunnel",
        PROXY,
        "stunnel4 $folder/stunnel.conf",
        ("stunnel4",),
        files={"stunnel.conf": STUNNEL},
        prepare=(CERTIFICATE, BOTH),
        ask=TUNNELLED,
        way=Way.SHELL,
    ),
    Recipe(
        "nutcracker",
        "nutcracker",
        PROXY,
        "nutcracker -c $folder/nutcracker.yml -s $other -o $folder/nutcracker.log",
        ("nutcracker",),
        files={"nutcracker.yml": NUTCRACKER},
        ask=asking.keys,
    ),
    Recipe(
        "pgbouncer",
        "pgbouncer",
        PROXY,
        "pgbouncer $folder/pgbouncer.ini",
        ("pgbouncer",),
        files={"pgbouncer.ini": PGBOUNCER},
        is_root=False,
        ask=asking.postgres,
    ),
    Recipe(
        "microsocks",
        "microsocks",
        PROXY,
        "microsocks -i 127.0.0.1 -p $port",
        ("microsocks",),
        ask=asking.socks(HTTP_PORT),
    ),
    Recipe(
        "dante-server",
        "danted",
        PROXY,
        "danted -f $folder/danted.conf -p $folder/pid",
        ("dante-server",),
        files={"danted.conf": DANTED},
        ask=asking.socks(HTTP_PORT),
    ),
)
