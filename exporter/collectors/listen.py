"""Where each service listens."""

from collections import defaultdict
from collections.abc import Iterator

from exporter.services.view import HostView
from toolkit.families import Family, gauge

MAX_PORTS_PER_SERVICE = 16


def listen_families(view: HostView) -> Iterator[Family]:
    """Yield `larimar_listen_info`: per service its lowest ports, ephemeral ones only where it has no other."""
    family = gauge(
        "larimar_listen_info",
        "Always 1 for a port that a service listens on, at most 16 of each; ports of the ephemeral range are left out, "
        "but for the lowest TCP port of a service that has no other. sock_diag.",
        labels=("service_name", "port", "transport"),
    )
    for service, bound in sorted(_by_service(view).items()):
        for port, transport in _worth_showing(bound, view.ephemeral_ports):
            family.add((service, str(port), transport), 1)
    yield family


def _by_service(view: HostView) -> dict[str, set[tuple[int, str]]]:
    found: defaultdict[str, set[tuple[int, str]]] = defaultdict(set)
    for listener, service in view.listeners.items():
        found[service].add((listener.port, listener.transport))
    return found


def _worth_showing(bound: set[tuple[int, str]], ephemeral: range) -> list[tuple[int, str]]:
    """Return the ports that say what the service is; a client's UDP socket looks like a listener too."""
    lasting = sorted(one for one in bound if one[0] not in ephemeral)
    passing = sorted(one for one in bound if one[0] in ephemeral and one[1] == "tcp")
    return (lasting or passing[:1])[:MAX_PORTS_PER_SERVICE]
