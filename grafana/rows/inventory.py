"""What runs."""

from grafana.panels import Column, rows_of
from grafana.rows.terms import SERVICES, Panels


def inventory() -> Panels:
    """Return the row's panels."""
    return (
        rows_of(
            "Services",
            "Each service with its class, where its name is from, and how long its oldest process has run.",
            ("service_name", "service_class", "instance", "name_source", "runtime", "container"),
            (
                Column(
                    "Uptime",
                    f"(time() - larimar_service_start_time_seconds{{{SERVICES}}}) * on (service_name, job, instance) "
                    f"group_left (service_class, name_source, runtime, container) larimar_service_info{{{SERVICES}}}",
                    "s",
                ),
            ),
            14,
        ),
        rows_of(
            "Listening ports",
            "Ports on which services accept connections.",
            ("service_name", "instance", "port", "transport"),
            (
                Column(
                    "Sockets",
                    f"sum by (service_name, instance, port, transport) (larimar_listen_info{{{SERVICES}}})",
                    "none",
                ),
            ),
            10,
        ),
    )
