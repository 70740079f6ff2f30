"""How is business."""

from grafana.panels import Column, Line, lines, number, rows_of
from grafana.rows.terms import RATE, SERVER, SERVICES, Panels, rate

CACHES = "redis|memcached"


def business() -> Panels:
    """Return the row's panels."""
    return (*_rates(), *_events())


def _rates() -> Panels:
    requests = f"sum(rate(larimar_requests_total{{{SERVER}}}{RATE}))"
    errors = f"sum(rate(larimar_request_errors_total{{{SERVER}}}{RATE}))"
    pages = f"sum(rate(larimar_http_requests_total{{{SERVER}}}{RATE}))"
    reads = f"sum(rate(larimar_service_read_syscalls_total{{{SERVICES}}}{RATE}))"
    return (
        number("Requests", "Requests answered by the services here, all protocols.", Line(requests), "reqps", 4),
        number("Pages", "HTTP requests answered.", Line(pages), "reqps", 4),
        number("Database queries", "Queries to relational and document databases.", Line(_queries("!~")), "ops", 4),
        number("Cache commands", "Commands to Redis and memcached.", Line(_queries("=~")), "ops", 4),
        number("Reads", "System calls of the read() family.", Line(reads), "ops", 4),
        number(
            "Error ratio",
            "Share of requests whose response reports a failure, over all services.",
            Line(f"{errors} / ({requests} > 0)"),
            "percentunit",
            4,
            warn=0.01,
            alarm=0.05,
        ),
    )


def _queries(is_cache: str) -> str:
    """Return the rate of queries; one between two services here is seen from both sides, and each counts it once."""
    matchers = f'{SERVICES},db_system{is_cache}"{CACHES}"'
    return f"max(sum by (role) (rate(larimar_db_queries_total{{{matchers}}}{RATE})))"


def _events() -> Panels:
    by_service = rate("larimar_business_events_total", "service_name, event", SERVICES)
    # Like a query, an event between two services here counts as often as the side that saw more of it says.
    events = f"max by (event) ({rate('larimar_business_events_total', 'role, event', SERVICES)})"
    value = rate("larimar_business_value_total", "service_name, event, field, currency", SERVICES)
    return (
        lines(
            "Business events",
            "Successful state changes, such as orders.insert or POST /checkout; the ten most frequent.",
            [Line(f"topk(10, {by_service})", "{{service_name}} {{event}}")],
            "ops",
            12,
        ),
        lines(
            "Business value",
            "Money and quantities per second in those events, by field and currency; the ten largest.",
            [Line(f"topk(10, {value})", "{{service_name}} {{event}} {{field}} {{currency}}")],
            "short",
            12,
        ),
        rows_of(
            "Business events, ranked",
            "Successful state changes over all services, the twenty most frequent.",
            ("event",),
            (
                Column("Per second", f"topk(20, {events})", "ops"),
                Column("Share", f"topk(20, {events} / scalar(sum({events})))", "percentunit"),
            ),
            24,
            height=7,
        ),
    )
