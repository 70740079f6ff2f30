import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.identity.facts import OTHER, ContainerFacts, NameSource, ProcessFacts
from exporter.identity.interpreters import runtime
from exporter.identity.ladder import own_name
from exporter.identity.names import MAX_NAME_LENGTH

PYTHON = "/usr/bin/python3.11"
JAVA = "/usr/lib/jvm/java-17-openjdk-amd64/bin/java"
NODE = "/usr/bin/node"


def process(executable: str, line: str = "", directory: str = "/", cgroup: str = "", package: str = "") -> ProcessFacts:
    arguments = tuple(line.split()) if line else (executable,)
    comm = executable.rsplit("/", 1)[-1][:15]
    return ProcessFacts(10, 1, 1, comm, executable, arguments, cgroup, working_directory=directory, package=package)


def title(executable: str, text: str) -> ProcessFacts:
    return ProcessFacts(10, 1, 1, executable.rsplit("/", 1)[-1][:15], executable, (text,))


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        (process("/usr/bin/redis-server", "redis-server *:6399"), "redis"),
        (title("/usr/bin/redis-server", "redis-server 127.0.0.1:6379"), "redis"),
        (title("/usr/bin/redis-server", "redis-server *:26379 [sentinel]"), "redis-sentinel"),
        (ProcessFacts(9, 1, 1, "redis-server", "/usr/bin/redis-check-rdb", ("redis-server *:6379",)), "redis"),
        (ProcessFacts(9, 1, 1, "httpd", "/usr/bin/busybox", ("httpd", "-p", "80")), "busybox"),
        (process("/usr/lib/postgresql/15/bin/postgres", "postgres -D /x"), "postgres"),
        (title("/usr/lib/postgresql/15/bin/postgres", "postgres: 15/main: walwriter "), "postgres"),
        (title("/usr/sbin/nginx", "nginx: worker process"), "nginx"),
        (process("/usr/sbin/mariadbd"), "mariadb"),
        (process("/usr/sbin/mysqld"), "mysql"),
        (process("/usr/bin/mongod", "mongod --port 3"), "mongodb"),
        (process("/usr/sbin/apache2", "apache2 -k start"), "apache"),
        (process("/usr/lib/postfix/sbin/qmgr", "qmgr -l -t unix"), "postfix"),
        (process("/usr/sbin/named", "named -u bind"), "bind"),
        (title("/usr/sbin/php-fpm8.2", "php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)"), "php-fpm"),
        (title("/usr/sbin/php-fpm8.2", "php-fpm: pool www"), "php-fpm"),
        (title("/usr/sbin/php-fpm8.2", "php-fpm: pool shop"), "php-fpm/shop"),
        (process(PYTHON, "python3 -m http.server 8000"), "http.server"),
        (process(PYTHON, "python3 -u -W ignore /srv/shop/billing.py --port 1"), "billing"),
        (process(PYTHON, "python3 app.py", "/srv/shop/current"), "shop"),
        (process(PYTHON, "python3 /tmp/x8f2/app.py"), "app"),
        (process(PYTHON, "python3 manage.py runserver", "/home/ann/shop"), "shop"),
        (process(PYTHON, "python3 /usr/bin/gunicorn -w 4 -b 127.0.0.1:8000 shop.wsgi:application"), "shop"),
        (process(PYTHON, "python3 /usr/bin/gunicorn --chdir /srv/till wsgi:app"), "till"),
        (process(PYTHON, "python3 /v/bin/uvicorn --host 0.0.0.0 main:app --port 1", "/srv/orders/src"), "orders"),
        (process(PYTHON, "python3 -m uvicorn cart:app"), "cart"),
        (process(PYTHON, "python3 /usr/bin/gunicorn -w 4 till.wsgi"), "till"),
        (process("/usr/bin/uwsgi-core", "uwsgi -w shop.wsgi --http :80"), "shop"),
        (title(NODE, "npm run start"), "npm"),
        (title(NODE, "http-server"), "http-server"),
        (title(NODE, "node"), "node"),
        (title(NODE, "statsd config.js"), "statsd"),
        (title(PYTHON, "/usr/bin/python3 /srv/till.py --port 1"), "till"),
        (title(PYTHON, "airflow scheduler -- DagFileProcessor"), "airflow"),
        (title(PYTHON, "(idle) 3 jobs"), "python"),
        (title("/usr/bin/perl", "starman master --workers 2 --listen 127.0.0.1:80 /srv/tracker.psgi"), "tracker"),
        (title("/usr/bin/perl", "starman worker"), "starman"),
        (title("/usr/bin/perl", "/usr/sbin/spamd --create-prefs"), "spamd"),
        (title("/usr/bin/ruby3.1", "resque-1.27.4: Waiting for *"), "resque"),
        (title("/usr/bin/ruby3.1", "Passenger RubyApp: /srv/blog (production)"), "blog"),
        (process("/usr/bin/perl", "perl /usr/bin/plackup -p 5000 -a /srv/forum/app.psgi"), "forum"),
        (process(NODE, "node /x/node_modules/sirv-cli/bin.js public"), "sirv"),
        (process(PYTHON, "python3 /v/bin/sanic checkout:app --port 1"), "checkout"),
        (process(PYTHON, "python3 /v/bin/robyn --fast ledger.web:app"), "ledger"),
        (process(PYTHON, "python3 /v/bin/arq newsletter.WorkerSettings"), "newsletter-worker"),
        (process(PYTHON, "python3 /v/bin/dramatiq shop.tasks"), "shop-worker"),
        (process(PYTHON, "python3 /v/bin/taskiq worker shop.tasks:broker"), "shop-worker"),
        (process(PYTHON, "python3 /v/bin/dramatiq --watch"), "dramatiq"),
        (process("/usr/bin/prometheus-redis-exporter"), "redis_exporter"),
        (process("/usr/bin/turnserver"), "coturn"),
        (process(JAVA, "java -cp h2.jar org.h2.tools.Server -pg"), "h2"),
        (process("/usr/bin/rsync", "rsync --daemon --no-detach"), "rsync"),
        (title(NODE, "PM2 v5.3.0: God Daemon (/root/.pm2)"), "pm2"),
        (ProcessFacts(9, 1, 1, "larimar-exporte", PYTHON, ("python3", "-m", "exporter")), "larimar-exporter"),
        (ProcessFacts(9, 1, 1, "larimar-detecto", PYTHON, ("python3", "-m", "detector")), "larimar-detector"),
        (process(PYTHON, "python3 /v/bin/celery -A shop worker -l info"), "shop-worker"),
        (process(PYTHON, "python3 -m celery --app=shop beat"), "shop-beat"),
        (title(PYTHON, "gunicorn: master [shop.wsgi:application]"), "shop"),
        (process("/usr/bin/uwsgi-core", "uwsgi --http :80 --module shop.wsgi"), "shop"),
        (process(JAVA, "java -Xmx1g -jar /opt/shop/orders-1.4.2-SNAPSHOT.jar"), "orders"),
        (process(JAVA, "java -Dspring.application.name=cart -jar app.jar"), "cart"),
        (process(JAVA, "java -cp a.jar:b.jar -Xms1g kafka.Kafka config/server.properties"), "kafka"),
        (process(JAVA, "java -cp x com.acme.shop.Main"), "shop"),
        (process(JAVA, "java -cp x com.acme.OrderService"), "OrderService"),
        (process(JAVA, "java -Dcatalina.base=/srv/tomcat9 org.apache.catalina.startup.Bootstrap start"), "tomcat9"),
        (process(NODE, "node --inspect server.js", "/srv/web/", package="shop-web"), "shop-web"),
        (process(NODE, "node server.js", "/srv/web"), "web"),
        (process(NODE, "node /srv/app/mailer.js"), "mailer"),
        (process(NODE, "node /srv/front/node_modules/.bin/next start", "/srv/front"), "front"),
        (process("/usr/bin/ruby3.1", "ruby /usr/bin/puma -C config/puma.rb", "/srv/blog"), "blog"),
        (title("/usr/bin/ruby3.1", "puma 6.0 (tcp://0.0.0.0:3000) [blog]"), "blog"),
        (title("/usr/bin/ruby3.1", "sidekiq 7.1.2 blog [0 of 5 busy]"), "blog"),
        (process("/usr/bin/php8.2", "php artisan queue:work", "/var/www/shop"), "shop"),
        (process("/usr/bin/dotnet", "dotnet /app/Shop.Api.dll"), "Shop.Api"),
        (process("/usr/lib/erlang/erts-13/bin/beam.smp", "beam.smp -W w -- -pa /usr/lib/rabbitmq/ebin"), "rabbitmq"),
        (process("/usr/bin/perl", "perl -w /usr/local/bin/greylist.pl"), "greylist"),
        (process("/usr/bin/bash", "bash /opt/jobs/nightly.sh --all"), "nightly"),
        (process("/opt/shop/bin/orders-v1.2.3-linux-amd64"), "orders"),
        (process("/usr/local/bin/node_exporter"), "node_exporter"),
        (process("/srv/till/bin/server"), "till"),
        (process("/memfd:sealed-91173221a7ea", "tools/backend --uid 0"), "backend"),
        (process("", "/opt/hidden/worker-2.0 --x"), "worker"),
        (ProcessFacts(10, 1, 1, "only-comm"), "only-comm"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_processes_get_the_name_that_people_use(facts: ProcessFacts, name: str) -> None:
    assert own_name(facts).text == name


@pytest.mark.parametrize(
    ("cgroup", "name"),
    [
        ("/system.slice/shop-api.service", "shop-api"),
        ("/system.slice/system-redis\\x2dserver.slice/redis-server@6380.service", "redis@6380"),
        ("/system.slice/postgresql@15-main.service", "postgres@15-main"),
        ("/system.slice/php8.2-fpm.service", "php-fpm"),
        ("/system.slice/system-till.slice/till@7-192.0.2.1:9418-203.0.113.9:51234.service", "till"),
        ("/system.slice/system-till.slice/till@7-[2001:db8::1]:9418-[2001:db8::2]:51234.service", "till"),
        ("/system.slice/system-till.slice/till@12-4711-1000.service", "till"),
        ("/system.slice/system-till.slice/till@12-4711_98765-1000.service", "till"),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/notes.service", "notes"),
    ],
)
def test_a_unit_names_its_processes(cgroup: str, name: str) -> None:
    found = own_name(process(PYTHON, "python3 x.py", cgroup=cgroup))

    assert (found.text, found.source) == (name, NameSource.SYSTEMD)


@pytest.mark.parametrize(
    "cgroup",
    [
        "/system.slice/supervisor.service",
        "/user.slice/user-1000.slice/user@1000.service",
        "/user.slice/user-1000.slice/session-3.scope",
        "/system.slice/run-u123.service",
        "/",
    ],
)
def test_a_unit_that_hosts_others_names_nothing(cgroup: str) -> None:
    assert own_name(process(PYTHON, "python3 x.py", cgroup=cgroup)).text == "x"


@pytest.mark.parametrize(
    ("container", "name"),
    [
        (ContainerFacts(pod="web-7d4b9c6f5d-x2x7k", part="web"), "web"),
        (ContainerFacts(pod="db-0"), "db"),
        (ContainerFacts(pod="backup-28391040-bcdfg"), "backup"),
        (ContainerFacts(pod="logs-x2x7k", part="istio-proxy"), "logs/istio-proxy"),
        (ContainerFacts(name="shop-web-1", service="web"), "web"),
        (ContainerFacts(name="till"), "till"),
        (ContainerFacts(name="quirky_hopper"), "redis"),
    ],
)
def test_containers_are_named_by_their_owner(container: ContainerFacts, name: str) -> None:
    facts = ProcessFacts(1, 1, 0, "redis-server", "/usr/bin/redis-server", container=container)

    assert own_name(facts).text == name


@pytest.mark.parametrize(
    "environment",
    [
        {"OTEL_SERVICE_NAME": "till", "DD_SERVICE": "no"},
        {"OTEL_RESOURCE_ATTRIBUTES": "a=b,service.name=till,c=d", "DD_SERVICE": "no"},
        {"DD_SERVICE": " till\n"},
    ],
)
def test_what_the_environment_declares_wins(environment: dict[str, str]) -> None:
    facts = ProcessFacts(1, 1, 0, "x", "/bin/x", cgroup="/system.slice/y.service", environment=environment)

    assert own_name(facts).text == "till"


@pytest.mark.parametrize("line", ["python3 -c pass", "python3 -", "python3"])
def test_inline_code_is_named_by_its_interpreter(line: str) -> None:
    found = own_name(process(PYTHON, line))

    assert (found.text, found.source) == ("python", NameSource.EXECUTABLE)


def test_the_runtime_is_the_interpreters() -> None:
    assert runtime(process(JAVA, "java -jar x.jar")) == "java"
    assert runtime(process("/usr/sbin/nginx")) == ""


hostile = st.text(st.characters(codec=None), max_size=200)


@given(executable=hostile, arguments=st.lists(hostile, max_size=6), directory=hostile, cgroup=hostile, comm=hostile)
def test_whatever_a_process_says_its_name_is_fit_for_a_label(
    executable: str, arguments: list[str], directory: str, cgroup: str, comm: str
) -> None:
    facts = ProcessFacts(2, 1, 1, comm, executable, tuple(arguments), cgroup, working_directory=directory)

    name = own_name(facts).text

    name.encode("utf-8")
    assert 0 < len(name) <= 2 * MAX_NAME_LENGTH
    assert name.isprintable()
    assert name == OTHER or not name.startswith("~")


@given(
    program=st.sampled_from(["python3", "java", "node", "ruby", "php", "bash", "dotnet", "beam.smp", "uwsgi"]),
    arguments=st.lists(
        st.sampled_from(
            ["-m", "-c", "-jar", "--", "-", "gunicorn", "celery", "-A", "x:y", "a.py", "/", ".", "", "run"]
        ),
        max_size=8,
    ),
)
def test_no_command_line_of_an_interpreter_is_too_odd(program: str, arguments: list[str]) -> None:
    facts = ProcessFacts(2, 1, 1, program, f"/usr/bin/{program}", (program, *arguments), working_directory="/srv/a")

    assert own_name(facts).text
