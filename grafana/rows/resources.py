"""What the services use."""

from grafana.panels import Line, lines
from grafana.rows.terms import RATE, SERVICE, SERVICES, Panels, rate


def resources() -> Panels:
    """Return the row's panels."""
    return (*_machine(), *_behaviour())


def _machine() -> Panels:
    return (
        lines("CPU", "CPU cores in use.", [Line(_used("cpu_seconds"), SERVICE)], "short", 8),
        lines("Memory", "Resident memory.", [Line(_gauge("memory_resident_bytes"), SERVICE)], "bytes", 8),
        lines(
            "Disk I/O",
            "Bytes read from and written to storage.",
            [
                Line(_used("disk_read_bytes"), f"{SERVICE} read"),
                Line(_used("disk_written_bytes"), f"{SERVICE} written"),
            ],
            "Bps",
            8,
        ),
        lines(
            "Reads and writes",
            "System calls of the read and write families, on files, pipes and sockets.",
            [Line(_used("read_syscalls"), f"{SERVICE} reads"), Line(_used("write_syscalls"), f"{SERVICE} writes")],
            "ops",
            8,
        ),
        lines(
            "Open files, share of limit",
            "Of the process closest to its limit; at 1 it cannot open a file or accept a connection.",
            [Line(_gauge("open_fds_limit_ratio", "max"), SERVICE)],
            "percentunit",
            8,
            alarm=0.9,
        ),
        lines(
            "Processes and threads",
            "Number of processes and threads of each service.",
            [Line(_gauge("processes"), f"{SERVICE} processes"), Line(_gauge("threads"), f"{SERVICE} threads")],
            "short",
            8,
        ),
    )


def _behaviour() -> Panels:
    return (
        lines(
            "Changes",
            "Restarts, and changes of executable, command line, image, unit, configuration, ports and dependencies.",
            [
                Line(
                    f"sum by (service_name, change) (increase(larimar_service_changes_total{{{SERVICES}}}{RATE})) > 0",
                    f"{SERVICE} {{{{change}}}}",
                )
            ],
            "short",
            12,
        ),
        lines(
            "Distance from usual behaviour",
            "How far each service's fingerprint is from its usual one, in standard deviations; above 3 it changed.",
            [Line(f"max by (service_name) (larimar_service_fingerprint_distance{{{SERVICES}}})", SERVICE)],
            "short",
            12,
        ),
    )


def _gauge(metric: str, how: str = "sum") -> str:
    return f"{how} by (service_name) (larimar_service_{metric}{{{SERVICES}}})"


def _used(metric: str) -> str:
    return rate(f"larimar_service_{metric}_total", "service_name", SERVICES)
