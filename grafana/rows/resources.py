"""What the services use."""

from grafana.panels import Line, lines
from grafana.rows.terms import RATE, SERVICE, SERVICES, Panels, rate


def resources() -> Panels:
    """Return the row's panels."""

    def gauge(metric: str, how: str = "sum") -> str:
        return f"{how} by (service_name) (larimar_service_{metric}{{{SERVICES}}})"

    def used(metric: str) -> str:
        return rate(f"larimar_service_{metric}_total", "service_name", SERVICES)

    return (
        lines("CPU", "Processor cores in use.", [Line(used("cpu_seconds"), SERVICE)], "short", 8),
        lines("Memory", "Resident memory.", [Line(gauge("memory_resident_bytes"), SERVICE)], "bytes", 8),
        lines(
            "Disk",
            "Bytes fetched from and sent to storage.",
            [Line(used("disk_read_bytes"), f"{SERVICE} read"), Line(used("disk_written_bytes"), f"{SERVICE} written")],
            "Bps",
            8,
        ),
        lines(
            "Reads and writes",
            "Calls of the read and write families: files, pipes and sockets.",
            [Line(used("read_syscalls"), f"{SERVICE} reads"), Line(used("write_syscalls"), f"{SERVICE} writes")],
            "ops",
            8,
        ),
        lines(
            "Open files, share of the limit",
            "Of the process nearest to its limit; at 1 no connection can be accepted.",
            [Line(gauge("open_fds_limit_ratio", "max"), SERVICE)],
            "percentunit",
            8,
            alarm=0.9,
        ),
        lines(
            "Processes and threads",
            "How many there are.",
            [Line(gauge("processes"), f"{SERVICE} processes"), Line(gauge("threads"), f"{SERVICE} threads")],
            "short",
            8,
        ),
        lines(
            "Changes",
            "What became different: a new executable, command line, image, unit or configuration, a port, "
            "whom it asks, a restart.",
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
            "Unlike itself",
            "How far each service's behaviour is from its usual one, in usual deviations; above 3 something moved.",
            [Line(f"max by (service_name) (larimar_service_fingerprint_distance{{{SERVICES}}})", SERVICE)],
            "short",
            12,
        ),
    )
