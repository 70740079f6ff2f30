"""Requests, errors, latency, as servers."""

from grafana.panels import Line, lines
from grafana.rows.terms import CLIENT, SERVER, SERVICE, SERVICES, Panels, rate


def requests() -> Panels:
    """Return the row's panels."""
    return (*_told(), *_operations())


def _told() -> Panels:
    return (
        lines(
            "Requests per second",
            "Answered by each service.",
            [Line(rate("larimar_requests_total", "service_name"), SERVICE)],
            "reqps",
            8,
        ),
        lines(
            "Share of errors",
            "Answers that say that the request failed.",
            [Line(_share_of_errors("service_name"), SERVICE)],
            "percentunit",
            8,
        ),
        lines(
            "Median latency",
            "From a request's first byte to its answer's last.",
            [Line(_quantile(0.5), SERVICE)],
            "s",
            8,
        ),
        lines("95th percentile", "One request in twenty takes longer.", [Line(_quantile(0.95), SERVICE)], "s", 8),
        lines("99th percentile", "One request in a hundred takes longer.", [Line(_quantile(0.99), SERVICE)], "s", 8),
        lines(
            "Waiting for others, 95th percentile",
            "As client: how long each service waits for what it calls.",
            [Line(_quantile(0.95, CLIENT), SERVICE)],
            "s",
            8,
        ),
        lines(
            "As server and as client",
            "What each service answers and what it asks of others.",
            [Line(rate("larimar_requests_total", "service_name, role", SERVICES), f"{SERVICE} {{{{role}}}}")],
            "reqps",
            8,
        ),
        lines(
            "HTTP answers by class",
            "What the web servers answered.",
            [
                Line(
                    rate("larimar_http_requests_total", "service_name, status_class"), f"{SERVICE} {{{{status_class}}}}"
                )
            ],
            "reqps",
            8,
        ),
        lines(
            "Bytes received and sent",
            "Requests in, answers out, as server.",
            [
                Line(rate("larimar_request_bytes_total", "service_name"), f"{SERVICE} in"),
                Line(rate("larimar_response_bytes_total", "service_name"), f"{SERVICE} out"),
            ],
            "Bps",
            8,
        ),
    )


def _operations() -> Panels:
    return (
        lines(
            "Busiest routes",
            "HTTP requests by route, as server; ~other holds unknown paths and the least used routes.",
            [_busiest("larimar_http_requests_total", "method, route", SERVER, "{{method}} {{route}}")],
            "reqps",
            8,
        ),
        lines(
            "Busiest tables",
            "Queries by table or collection, as client.",
            [_busiest("larimar_db_queries_total", "operation, collection", CLIENT, "{{operation}} {{collection}}")],
            "ops",
            8,
        ),
        lines(
            "Busiest topics",
            "Messages by topic, exchange or queue, as client.",
            [_busiest("larimar_messages_total", "operation, destination", CLIENT, "{{operation}} {{destination}}")],
            "ops",
            8,
        ),
    )


def _busiest(metric: str, by: str, matchers: str, name: str) -> Line:
    """Return the operations of each service that are used most."""
    return Line(f"topk(10, {rate(metric, f'service_name, {by}', matchers)})", f"{{{{service_name}}}} {name}")


def _share_of_errors(by: str) -> str:
    """Return failed requests as a share; nought where a service never failed, nothing where none were asked."""
    requests = rate("larimar_requests_total", by)
    return f"({rate('larimar_request_errors_total', by)} or 0 * {requests}) / ({requests} > 0)"


def _quantile(quantile: float, matchers: str = SERVER) -> str:
    buckets = rate("larimar_request_duration_seconds_bucket", "service_name, le", matchers)
    return f"histogram_quantile({quantile}, {buckets})"
