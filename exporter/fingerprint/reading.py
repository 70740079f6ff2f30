"""Puts together what is known of every service: its resources, its traffic, its ports."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exporter.fingerprint.activity import Amount, Holding, Reading
from exporter.model import Role
from exporter.services.outlines import NANOSECONDS, Outline, Outlines
from exporter.services.resources import ServiceResources
from exporter.services.view import HostView

Amounts = defaultdict[Amount, float]


@dataclass(frozen=True, slots=True)
class _Tongue:
    """What requests of a protocol count for, by whether they are served or asked."""

    served: Amount
    asked: Amount


_HTTP = _Tongue(Amount.SPEAKS_HTTP, Amount.ASKS_HTTP)
_RECORDS = _Tongue(Amount.SPEAKS_RECORDS, Amount.ASKS_RECORDS)
_KEYS = _Tongue(Amount.SPEAKS_KEYS, Amount.ASKS_KEYS)
_MESSAGES = _Tongue(Amount.SPEAKS_MESSAGES, Amount.ASKS_MESSAGES)
_OTHER = _Tongue(Amount.SPEAKS_OTHER, Amount.ASKS_OTHER)
_TONGUES: dict[str, _Tongue] = {
    **dict.fromkeys(("http", "http2", "grpc", "fastcgi", "websocket"), _HTTP),
    **dict.fromkeys(("postgresql", "mysql", "mongodb", "cassandra", "clickhouse", "zookeeper"), _RECORDS),
    **dict.fromkeys(("redis", "memcached"), _KEYS),
    **dict.fromkeys(("kafka", "amqp", "mqtt", "nats"), _MESSAGES),
    "dns": _Tongue(Amount.SPEAKS_NAMES, Amount.ASKS_NAMES),
    "smtp": _Tongue(Amount.SPEAKS_MAIL, Amount.ASKS_OTHER),
    "elasticsearch": _Tongue(Amount.SPEAKS_SEARCH, Amount.ASKS_RECORDS),
    "ldap": _Tongue(Amount.SPEAKS_DIRECTORY, Amount.ASKS_RECORDS),
}


def readings(view: HostView, resources: Mapping[str, ServiceResources], wire: Outlines) -> dict[str, Reading]:
    """Return a reading of every service that has a process."""
    amounts: defaultdict[str, Amounts] = defaultdict(lambda: defaultdict(float))
    for name, one in resources.items():
        _count_resources(amounts[name], one)
    for side in wire.sides:
        _count_traffic(amounts[side.service_name], side)
    for dialling in wire.dialling:
        amount = Amount.ACCEPTS if dialling.role is Role.SERVER else Amount.CONNECTS
        amounts[dialling.service_name][amount] += dialling.connects
    streams, datagrams = lasting_ports(view, "tcp"), lasting_ports(view, "udp")
    return {
        name: Reading(
            amounts[name],
            _holding(
                resources[name],
                streams.get(name, frozenset()),
                datagrams.get(name, frozenset()),
                bool(view.services[name].runtime),
            ),
        )
        for name in view.services.keys() & resources.keys()
    }


def lasting_ports(view: HostView, transport: str) -> dict[str, frozenset[int]]:
    """Return the ports that each service listens on: those below the ephemeral range, of TCP any if it has no other."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for listener, service in view.listeners.items():
        if listener.transport == transport:
            found[service].add(listener.port)
    return {service: frozenset(_lasting(ports, view.ephemeral_ports, transport)) for service, ports in found.items()}


def _lasting(ports: set[int], ephemeral: range, transport: str) -> Iterable[int]:
    lasting = {port for port in ports if port not in ephemeral}
    return lasting or (ports if transport == "tcp" else ())


def _holding(
    resources: ServiceResources, ports: frozenset[int], datagram_ports: frozenset[int], is_interpreted: bool
) -> Holding:
    gauges = resources.gauges
    return Holding(
        gauges.processes,
        gauges.threads,
        gauges.open_files,
        gauges.resident_bytes,
        ports,
        datagram_ports,
        is_interpreted,
        resources.has_io,
    )


def _count_resources(amounts: Amounts, resources: ServiceResources) -> None:
    counters = resources.counters
    amounts[Amount.CPU_USER] = counters.user_nanoseconds / NANOSECONDS
    amounts[Amount.CPU_SYSTEM] = counters.system_nanoseconds / NANOSECONDS
    amounts[Amount.FAULTS] = counters.minor_faults + counters.major_faults
    amounts[Amount.READ_BYTES] = counters.read_bytes
    amounts[Amount.WRITTEN_BYTES] = counters.written_bytes
    amounts[Amount.READ_CALLS] = counters.read_calls
    amounts[Amount.WRITE_CALLS] = counters.write_calls


def _count_traffic(amounts: Amounts, side: Outline) -> None:
    tongue = _TONGUES.get(side.protocol, _OTHER)
    if side.role is Role.CLIENT:
        amounts[Amount.ASKED] += side.requests
        amounts[tongue.asked] += side.requests
        amounts[Amount.GOT_BYTES] += side.response_bytes
        return
    amounts[Amount.SERVED] += side.requests
    amounts[tongue.served] += side.requests
    amounts[Amount.WRITES] += side.writes
    amounts[Amount.FAILED] += side.errors
    amounts[Amount.REQUEST_BYTES] += side.request_bytes
    amounts[Amount.RESPONSE_BYTES] += side.response_bytes
    amounts[Amount.TIMED] += side.timed
    amounts[Amount.RESPONSE_SECONDS] += side.seconds
