"""Weeks of one-minute history of made-up services, written into a Prometheus' folder before it starts."""

import math
import subprocess
from collections.abc import Mapping
from pathlib import Path

LATENCY_SECONDS = 0.020
MINUTE = 60
# Live counters begin over: no rate may span the step between them and these.
GAP_SECONDS = 30


def families(totals: Mapping[str, tuple[float, float, float]]) -> str:
    """An exposition of services by their totals of requests, errors and seconds."""
    lines = []
    for name, (requests, errors, seconds) in totals.items():
        lines += [f"{series} {value:.6f}" for series, value in samples(name, requests, errors, seconds)]
    return "\n".join([*lines, 'larimar_build_info{version="test"} 1', ""])


def samples(name: str, requests: float, errors: float, seconds: float) -> list[tuple[str, float]]:
    """The series of one service with their values."""
    labels = f'service_name="{name}",role="server",protocol="http"'
    return [
        (f'larimar_service_info{{service_name="{name}",runtime="test"}}', 1),
        (f"larimar_requests_total{{{labels}}}", requests),
        (f"larimar_request_errors_total{{{labels}}}", errors),
        (f"larimar_request_duration_seconds_sum{{{labels}}}", seconds),
        (f"larimar_request_duration_seconds_count{{{labels}}}", requests),
        (f'larimar_service_processes{{service_name="{name}"}}', 2),
        (f'larimar_listen_info{{service_name="{name}",port="80",transport="tcp"}}', 1),
    ]


def backfill(promtool: Path, folder: Path, rates: Mapping[str, float], labels: str, now: float, days: int) -> None:
    """Write history up to `now` as blocks; a rate's daily season has its usual value, `rates`, at this hour.

    Args:
        labels: of the scrape target, such as `job="larimar",instance="a"`.
    """
    source = folder.with_suffix(".om")
    with source.open("w", encoding="utf-8") as file:
        for name, rate in rates.items():
            for family, rows in _history(name, rate, labels, now, days).items():
                file.write(f"# TYPE {family} unknown\n")
                file.writelines(rows)
        file.write("# EOF\n")
    command: list[str | Path] = [
        promtool,
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        "--max-block-duration=672h",
        source,
        folder,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    source.unlink()


def exposition(rates: Mapping[str, float], labels: str, now: float, days: int) -> str:
    """The same history as lines of the Prometheus text format, whose times are in milliseconds."""
    rows = [
        row for name, rate in rates.items() for rows in _history(name, rate, labels, now, days).values() for row in rows
    ]
    return "".join(f"{row.rstrip()}000\n" for row in rows)


def _history(name: str, rate: float, labels: str, now: float, days: int) -> dict[str, list[str]]:
    rows: dict[str, list[str]] = {}
    requests, seconds = 0.0, 0.0
    start = int(now) // MINUTE * MINUTE - days * 86400
    for at in range(start, int(now) - GAP_SECONDS, MINUTE):
        # Small repeatable noise: a series without any would be told from its slightest change.
        noise = math.modf(math.sin(at / MINUTE * 12.9898) * 43758.5453)[0]
        busy = rate * (1 + 0.3 * math.sin(2 * math.pi * (at - now) / 86400)) * (1 + 0.05 * noise)
        requests += busy * MINUTE
        seconds += busy * MINUTE * LATENCY_SECONDS * (1 + 0.05 * noise)
        for series, value in samples(name, requests, requests * 0.0, seconds):
            family = series.partition("{")[0]
            rows.setdefault(family, []).append(f"{series[:-1]},{labels}}} {value:.6f} {at}\n")
    return rows
