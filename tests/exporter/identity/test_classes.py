import pytest

from exporter.identity.classes import known_class
from exporter.identity.facts import ProcessFacts, ServiceClass
from exporter.identity.ladder import own_name

PYTHON, NODE = "/usr/bin/python3.11", "/usr/bin/node"


def kind(executable: str, line: str = "", cgroup: str = "") -> ServiceClass:
    arguments = tuple(line.split()) or (executable,)
    facts = ProcessFacts(9, 1, 1, executable.rsplit("/", 1)[-1][:15], executable, arguments, cgroup)
    return known_class(facts, own_name(facts))


@pytest.mark.parametrize(
    ("executable", "line", "expected"),
    [
        ("/usr/bin/redis-server", "", ServiceClass.CACHE),
        ("/usr/sbin/named", "named -u bind", ServiceClass.DNS),
        ("/usr/lib/postfix/sbin/qmgr", "", ServiceClass.MAIL),
        ("/usr/sbin/syslog-ng", "", ServiceClass.LOGGING),
        (PYTHON, "python3 /v/bin/gunicorn shop.wsgi", ServiceClass.APPLICATION),
        (PYTHON, "python3 -m celery -A shop worker", ServiceClass.BATCH),
        (PYTHON, "python3 -m http.server", ServiceClass.WEB),
        (NODE, "node /x/node_modules/http-server/bin/http-server", ServiceClass.WEB),
        ("/usr/bin/java", "java -cp a.jar kafka.Kafka x", ServiceClass.QUEUE),
        (PYTHON, "python3 /v/bin/arq shop.WorkerSettings", ServiceClass.BATCH),
        ("/usr/bin/prometheus-redis-exporter", "", ServiceClass.MONITORING),
        ("/opt/shop/shop-exporter", "", ServiceClass.MONITORING),
        ("/usr/bin/turnserver", "", ServiceClass.PROXY),
        (PYTHON, "python3 /srv/billing.py", ServiceClass.UNKNOWN),
        ("/opt/shop/till", "", ServiceClass.UNKNOWN),
        ("/bin/bash", "-bash", ServiceClass.SHELL),
    ],
)
def test_the_program_tells_the_class(executable: str, line: str, expected: ServiceClass) -> None:
    assert kind(executable, line) is expected


def test_a_name_that_a_person_gave_tells_nothing() -> None:
    cgroup = "/system.slice/login.service"

    assert kind("/opt/till", cgroup=cgroup) is ServiceClass.UNKNOWN
    assert kind("/usr/bin/dash", "/bin/sh /opt/run.sh", cgroup) is ServiceClass.UNKNOWN
    assert kind("/usr/bin/redis-server", cgroup=cgroup) is ServiceClass.CACHE
