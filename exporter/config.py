"""The exporter's settings. Every one has a default that works."""

from dataclasses import dataclass
from pathlib import Path

from toolkit import values
from toolkit.logs import FORMATS, LEVELS
from toolkit.settings import choice, option, repeated, size
from toolkit.values import Address

MIB = 1 << 20
SYSCALL_MODES = ("windows", "continuous")
NAMESPACES = ("host", "all")
METHODS = ("auto", "bpf", "ring", "scapy")
HOST_METHODS = ("auto", "procfs", "psutil")
FILTERS = ("auto", "ebpf", "classic")


def web_path(text: str) -> str:
    """Read a path of the web server, such as `/metrics`."""
    if not text.startswith("/") or text == "/":
        raise ValueError(f"{text!r} is not a path such as /metrics")
    return text


def existing_folder(text: str) -> Path:
    """Read the path of a folder that is there."""
    folder = Path(text)
    if not folder.is_dir():
        raise ValueError(f"{text!r} is not a folder")
    return folder


def state_file(text: str) -> Path:
    """Read the path of a file that may not be there yet, in a folder that is."""
    existing_folder(str(Path(text).parent))
    return Path(text)


@dataclass(frozen=True, slots=True)
class Config:
    """Observes this host's services through packets and /proc, and exposes what it learns as Prometheus metrics."""

    listen: Address = option("web.listen-address", Address("", 10177), "Address to listen on.", parse=values.address)
    telemetry_path: str = option(
        "web.telemetry-path", "/metrics", "Path under which to expose metrics.", parse=web_path
    )
    web_config: Path | None = option(
        "web.config.file",
        None,
        "File with TLS and basic authentication settings, in the format of the Prometheus exporters; re-read on every "
        "request.",
        parse=Path,
    )
    log_level: str = choice("log.level", "info", "Only log messages of at least this severity.", LEVELS)
    log_format: str = choice("log.format", "logfmt", "Format of log messages.", FORMATS)
    procfs: Path = option(
        "path.procfs", Path("/proc"), "Where procfs is mounted.", parse=existing_folder, metavar="PATH"
    )
    host_method: str = choice(
        "host.method",
        "auto",
        "How to read processes and sockets: from procfs, or with psutil, which is dearer and tells less.",
        HOST_METHODS,
    )
    interfaces: tuple[str, ...] = repeated(
        "capture.interface", (), "Network interface to capture on, instead of every one that is up.", parse=str
    )
    namespaces: str = choice(
        "capture.namespaces",
        "host",
        "Network namespaces to watch: only the exporter's own (host), or also those of containers (all).",
        NAMESPACES,
    )
    capture_method: str = choice(
        "capture.method",
        "auto",
        "How to capture packets: by eBPF (bpf), by packet sockets (ring), or with scapy, which is far slower.",
        METHODS,
    )
    capture_filter: str = choice(
        "capture.filter",
        "auto",
        "Kernel filter: ebpf copies less of large responses and drops fewer packets than classic BPF.",
        FILTERS,
    )
    snaplen: int = option(
        "capture.snaplen",
        2048,
        "Bytes to copy of a long packet, once a server's packets were found to carry only bodies after their headers.",
        parse=values.within(values.whole_number, 96, 65535),
        metavar="BYTES",
    )
    cpu_budget: float = option(
        "capture.cpu-budget",
        0.05,
        "CPU cores to stay within; under more load packets are sampled and counts scaled up.",
        parse=values.within(values.number, 0.001, 64),
        metavar="CORES",
    )
    memory_bytes: int = size(
        "capture.memory", 32 * MIB, "Memory for the capture rings and the flow table.", least=4 * MIB
    )
    bpf: bool = option("bpf", True, "Use eBPF, where it is permitted, to account for what processes use.")
    series_limit: int = option(
        "series.limit",
        20_000,
        "Maximum number of series to expose; what exceeds it is left out.",
        parse=values.within(values.whole_number, 1000),
    )
    capture: bool = option("collector.capture", True, "Capture packets at all.")
    traffic: bool = option("collector.traffic", True, "Requests, errors, durations and bytes per service.")
    http: bool = option("collector.http", True, "HTTP requests by method, route and status class.")
    db: bool = option("collector.db", True, "Database queries by operation and table.")
    cache: bool = option("collector.cache", True, "Cache lookups and hits.")
    messaging: bool = option("collector.messaging", True, "Messages published, delivered and fetched.")
    dns: bool = option("collector.dns", True, "DNS queries and failures.")
    business_events: bool = option(
        "collector.business-events", True, "Successful state-changing operations, such as orders.insert."
    )
    business_value: bool = option(
        "collector.business-value",
        True,
        "Sums of money and quantities in business events; when off, no number in a request is read.",
    )
    edges: bool = option("collector.edges", True, "Requests between pairs of services.")
    tcp: bool = option("collector.tcp", True, "TCP connections, failed connects, retransmissions and handshakes.")
    sockets: bool = option("collector.sockets", True, "Bytes, round-trip times and states of TCP connections.")
    syscalls: bool = option("collector.syscalls", True, "System calls per service, counted in the kernel by eBPF.")
    syscalls_mode: str = choice(
        "syscalls.mode",
        "windows",
        "When to count system calls: in short random windows (2 % of the time), or always, at 0.2 us for each call.",
        SYSCALL_MODES,
    )
    resources: bool = option("collector.resources", True, "CPU, memory, disk I/O, file descriptors and threads.")
    services: bool = option("collector.services", True, "What each service is: name, class, runtime, container.")
    changes: bool = option("collector.changes", True, "Restarts, new executables, arguments, ports and dependencies.")
    fingerprints: bool = option(
        "collector.fingerprints", True, "How each service behaves, and how far that is from its usual behaviour."
    )
    fingerprints_state: Path | None = option(
        "fingerprints.state-file",
        None,
        "File in which usual fingerprints outlive a restart of the exporter; without one they are learned anew.",
        parse=state_file,
    )
    listen_ports: bool = option("collector.listen", True, "Ports that services listen on.")
