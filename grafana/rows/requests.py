"""Requests, errors, latency, as servers."""

from grafana.panels import Line, lines
from grafana.rows.terms import CLIENT, SERVER, SERVICE, SERVICES, Panels, rate


def requests() -> Panels:
    """Return the row's panels."""
    return (*_rates(), *_latencies(), *_answers(), *_operations())


def _rates() -> Panels:
    return (
        lines(
            "Requests per second",
            "Answered by each service.",
            [Line(rate("larimar_requests_total", "service_name"), SERVICE)],
            "reqps",
            8,
        ),
        lines(
            "Error ratio",
            "Share of requests whose response reports a failure.",
            [Line(_share_of_errors("service_name"), SERVICE)],
            "percentunit",
            8,
        ),
    )


def _latencies() -> Panels:
    return (
        lines(
            "Median latency",
            "From a request's first byte to its response's last.",
            [Line(_quantile(0.5), SERVICE)],
            "s",
            8,
        ),
        lines(
            "95th percentile latency", "One request in twenty takes longer.", [Line(_quantile(0.95), SERVICE)], "s", 8
        ),
        lines(
            "99th percentile latency",
            "One request in a hundred takes longer.",
            [Line(_quantile(0.99), SERVICE)],
            "s",
            8,
        ),
        lines(
            "95th percentile latency of calls",
            "As client: how long each service waits for the services that it calls.",
            [Line(_quantile(0.95, CLIENT), SERVICE)],
            "s",
            8,
        ),
    )


def _answers() -> Panels:
    return (
        lines(
            "As server and as client",
            "Requests that each service answers, and requests that it makes.",
            [Line(rate("larimar_requests_total", "service_name, role", SERVICES), f"{SERVICE} {{{{role}}}}")],
            "reqps",
            8,
        ),
        lines(
            "HTTP responses by status class",
            "Responses of HTTP servers.",
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
            "Requests in and responses out, as server.",
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
            "HTTP requests by route, as server; ~other is unknown paths and the least used routes.",
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
    """Return the most used operations of each service."""
    return Line(f"topk(10, {rate(metric, f'service_name, {by}', matchers)})", f"{{{{service_name}}}} {name}")


def _share_of_errors(by: str) -> str:
    """Return the share of failed requests: 0 where a service never failed, no sample where it had no request."""
    requests = rate("larimar_requests_total", by)
    return f"({rate('larimar_request_errors_total', by)} or 0 * {requests}) / ({requests} > 0)"


def _quantile(quantile: float, matchers: str = SERVER) -> str:
    buckets = rate("larimar_request_duration_seconds_bucket", "service_name, le", matchers)
    return f"histogram_quantile({quantile}, {buckets})"
