"""Step 4: the systemd unit."""

import re

from exporter.identity.cgroups import place
from exporter.identity.facts import ProcessFacts
from exporter.identity.known import of_program
from exporter.identity.names import clean, without_version

# Units that start other people's programs: what runs inside has a name of its own.
_HOSTS_OF_OTHERS_WORDS = """
supervisor supervisord cron crond atd anacron ssh sshd docker containerd podman kubelet k3s nomad init getty
serial-getty console-getty user session display-manager gdm lightdm sddm screen tmux monit runit
"""
_HOSTS_OF_OTHERS = frozenset(_HOSTS_OF_OTHERS_WORDS.split())
_TRANSIENT = re.compile(r"run-[rpu]?[0-9a-f]+(-i?\d+)?")
# What systemd calls the instance that serves one connection (Accept=yes): number, then addresses or the peer's PID.
_CONNECTION = re.compile(r"\d+-(\S+:\d+-\S+:\d+|\d+(_\d+)?-\d+|unknown)")
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")


def name(facts: ProcessFacts) -> str:
    """Return the unit's name, a template's instance kept unless it is a connection, or an empty string.

    A unit of a known application gets the application's name: `redis-server@6380.service` is `redis@6380`.
    """
    unit = place(facts.cgroup).unit.removesuffix(".service")
    template, _, instance = _ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), unit).partition("@")
    if not template or template in _HOSTS_OF_OTHERS or _TRANSIENT.fullmatch(template):
        return ""
    if _CONNECTION.fullmatch(instance):
        instance = ""
    known = of_program(template)
    stem = known.name if known else without_version(template)
    return clean(f"{stem}@{instance}" if instance else stem)
