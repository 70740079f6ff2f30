"""Writes docs/metrics.md from the metrics that both processes are held to: `python -m tests.contract.reference`."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.contract.exposition import GOLDEN, families

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
INTRODUCTION = """\
# Metrics

Every metric of the exporter and the detector, its type and its labels. This page is made from
`tests/contract/metrics.prom`, to which tests hold both processes, the rules, the dashboard and the signals.

Labels that many have in common:

- `service_name`: the service. `~other` is what exceeds a limit, `~external` another host.
- `role`: `server` where the service answers, `client` where it asks. A call between two services of one host counts
  once for each, so choose one `role`.
- `client`, `server`: the two services of an edge.
- `protocol`: as recognised from the bytes, such as `http`, `postgresql` or `redis`.

Counters continue when a process exits. `job` and `instance` come from Prometheus.
"""


HEADING = "| metric | type | labels | meaning |\n|---|---|---|---|\n"
# A metric is in the section of the longest beginning of its name that stands here; sections are in a reader's order.
SECTIONS = (
    ("Business", ("larimar_business_",)),
    ("Requests", ("larimar_request", "larimar_response_", "larimar_inferred_", "larimar_tls_")),
    ("Operations", ("larimar_http_", "larimar_db_", "larimar_cache_", "larimar_messages_", "larimar_dns_")),
    ("Edges between services", ("larimar_edge_",)),
    ("Connections", ("larimar_tcp_", "larimar_udp_", "larimar_listen_", "larimar_service_network_")),
    (
        "Identity and behaviour",
        (
            *("larimar_service_info", "larimar_service_class", "larimar_service_fingerprint"),
            *("larimar_service_changes", "larimar_service_start"),
        ),
    ),
    ("Resources", ("larimar_service_",)),
    ("The exporter itself", ("larimar_",)),
    ("The detector", ("larimar_detector_",)),
)


def page(text: str) -> str:
    """Return the page of the metrics in an exposition."""
    meanings = {metric.name: metric.documentation for metric in text_string_to_metric_families(text)}
    rows: dict[str, list[str]] = {title: [] for title, _ in SECTIONS}
    for family in families(text).values():
        labels = ", ".join(f"`{label}`" for label in sorted(family.labels))
        meaning = meanings[family.name.removesuffix("_total") if family.kind == "counter" else family.name]
        rows[_section(family.name)].append(f"| `{family.name}` | {family.kind} | {labels} | {meaning} |\n")
    return INTRODUCTION + "".join(f"\n## {title}\n\n{HEADING}{''.join(found)}" for title, found in rows.items())


def _section(name: str) -> str:
    beginnings = (
        (len(prefix), title) for title, prefixes in SECTIONS for prefix in prefixes if name.startswith(prefix)
    )
    return max(beginnings)[1]


if __name__ == "__main__":
    PAGE.write_text(page(GOLDEN.read_text()))
