"""The exporter's settings. Every one has a default that works."""

from dataclasses import dataclass
from pathlib import Path

from toolkit import values
from toolkit.settings import option, repeated
from toolkit.values import Address

MIB = 1 << 20
SYSCALL_MODES = ("windows", "continuous")
METHODS = ("auto", "ring", "scapy")
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


@dataclass(frozen=True, slots=True)
class Config:
    """Watches this host's services on the wire and in /proc, and serves what it learned as Prometheus metrics."""

    listen: Address = option("web.listen-address", Address("", 10177), "Where to serve.", parse=values.address)
    telemetry_path: str = option("web.telemetry-path", "/metrics", "Path of the metrics.", parse=web_path)
    web_config: Path | None = option(
        "web.config.file", None, "TLS and basic auth, read anew on every request.", parse=Path
    )
    log_level: str = option(
        "log.level", "info", "Least severe lines to log.", parse=values.choice("debug", "info", "warn", "error")
    )
    log_format: str = option("log.format", "logfmt", "Format of the log.", parse=values.choice("logfmt", "json"))
    procfs: Path = option("path.procfs", Path("/proc"), "Where procfs is mounted.", parse=existing_folder)
    interfaces: tuple[str, ...] = repeated(
        "capture.interface", (), "Capture here only, not on every interface that is up; may be repeated.", parse=str
    )
    namespaces: str = option(
        "capture.namespaces",
        "host",
        "Network namespaces to watch: the exporter's own, or all that it finds, such as those of containers.",
        parse=values.choice("host", "all"),
    )
    capture_method: str = option(
        "capture.method",
        "auto",
        "How to capture: by rings (Linux), or by scapy, which is slow; the best there is unless one is named.",
        parse=values.choice(*METHODS),
    )
    capture_filter: str = option(
        "capture.filter",
        "auto",
        "The kernel's filter: ebpf, which knows how much room there is and what of a body came before, or classic.",
        parse=values.choice(*FILTERS),
    )
    snaplen: int = option(
        "capture.snaplen",
        2048,
        "Bytes to copy of long packets that were found to hold nothing but bodies behind their heads.",
        parse=values.within(values.whole_number, 96, 65535),
    )
    cpu_budget: float = option(
        "capture.cpu-budget",
        # The exporter's other work takes up to 0.036 of it. With 0.05, 50,000 Redis requests within a second, for the
        # second time in half a minute, were counted as 46,131 and 200,000 as 71,083; with this, exactly.
        0.25,
        "Share of one processor to stay within; beyond it a random part of the packets is looked at, and scaled up.",
        parse=values.within(values.number, 0.001, 64),
    )
    memory_bytes: int = option(
        "capture.memory",
        32 * MIB,
        "Memory of the rings and the flow table, such as 32MiB.",
        parse=values.within(values.size_bytes, 4 * MIB),
    )
    bpf: bool = option("bpf", True, "Whether to read what processes use by eBPF where that is permitted.")
    series_limit: int = option(
        "series.limit",
        20_000,
        "Series to serve at most; the rest is left out.",
        parse=values.within(values.whole_number, 1000),
    )
    capture: bool = option("collector.capture", True, "Whether to capture packets at all.")
    traffic: bool = option("collector.traffic", True, "Requests, errors, durations and bytes per service.")
    http: bool = option("collector.http", True, "HTTP requests by method, route and class of status.")
    db: bool = option("collector.db", True, "Database queries by operation.")
    cache: bool = option("collector.cache", True, "Keys looked up in caches, and found.")
    messaging: bool = option("collector.messaging", True, "Messages published, delivered and fetched.")
    dns: bool = option("collector.dns", True, "DNS queries, and those that failed.")
    business_events: bool = option(
        "collector.business-events", True, "State-changing operations that succeeded, such as orders.insert."
    )
    business_value: bool = option(
        "collector.business-value",
        True,
        "Sums of the money and quantities in them; without it no number that a request carries is looked at.",
    )
    edges: bool = option("collector.edges", True, "Requests between two services.")
    tcp: bool = option("collector.tcp", True, "TCP connections, failures to connect, repetitions and handshakes.")
    sockets: bool = option("collector.sockets", True, "Bytes, round trips and states of TCP connections.")
    syscalls: bool = option("collector.syscalls", True, "System calls per service, counted in the kernel.")
    syscalls_mode: str = option(
        "syscalls.mode",
        "windows",
        "When system calls are counted: in short random windows, a fiftieth of the time, or all the time, which takes "
        "0.2 us of each call.",
        parse=values.choice(*SYSCALL_MODES),
    )
    resources: bool = option("collector.resources", True, "CPU, memory, disk, descriptors and calls per service.")
    services: bool = option("collector.services", True, "What each service is.")
    changes: bool = option("collector.changes", True, "New executables, command lines, ports, restarts and the like.")
    fingerprints: bool = option(
        "collector.fingerprints", True, "How each service behaves, and how unlike itself it is."
    )
    listen_ports: bool = option("collector.listen", True, "Who listens on which port.")
