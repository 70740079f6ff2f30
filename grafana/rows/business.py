"""How is business."""

from grafana.panels import Column, Line, lines, number, rows_of
from grafana.rows.terms import RATE, SERVER, SERVICES, Panels, rate


def business() -> Panels:
    """Return the row's panels."""
    # A query between two watched services is seen from both sides; each side alone counts it once.
    either = "max(sum by (role) (rate(larimar_db_queries_total{{{},db_system{}}}{})))"
    caches = '=~"redis|memcached"'
    # For the same reason an event counts as often as the side says that saw more of it.
    events = f"max by (event) ({rate('larimar_business_events_total', 'role, event', SERVICES)})"
    valued = rate("larimar_business_value_total", "service_name, event, field, currency", SERVICES)
    return (
        number(
            "Requests",
            "Requests answered by services here, all protocols.",
            Line(f"sum(rate(larimar_requests_total{{{SERVER}}}{RATE}))"),
            "reqps",
            4,
        ),
        number(
            "Pages",
            "HTTP requests answered.",
            Line(f"sum(rate(larimar_http_requests_total{{{SERVER}}}{RATE}))"),
            "reqps",
            4,
        ),
        number(
            "Database queries",
            "Queries of relational and document databases.",
            Line(either.format(SERVICES, '!~"redis|memcached"', RATE)),
            "ops",
            4,
        ),
        number("Cache commands", "Commands to caches.", Line(either.format(SERVICES, caches, RATE)), "ops", 4),
        number(
            "Reads",
            "Calls of read() and its family.",
            Line(f"sum(rate(larimar_service_read_syscalls_total{{{SERVICES}}}{RATE}))"),
            "ops",
            4,
        ),
        number(
            "Failed",
            "Share of requests whose answer says that they failed, over all services.",
            Line(
                f"sum(rate(larimar_request_errors_total{{{SERVER}}}{RATE})) / "
                f"(sum(rate(larimar_requests_total{{{SERVER}}}{RATE})) > 0)"
            ),
            "percentunit",
            4,
            warn=0.01,
            alarm=0.05,
        ),
        lines(
            "Business events",
            "What was changed with success, such as orders.insert or POST /checkout; the ten most frequent.",
            [
                Line(
                    f"topk(10, {rate('larimar_business_events_total', 'service_name, event', SERVICES)})",
                    "{{service_name}} {{event}}",
                )
            ],
            "ops",
            12,
        ),
        lines(
            "Business value",
            "Money and quantities that events carry per second, by the field's name and currency; the ten largest.",
            [Line(f"topk(10, {valued})", "{{service_name}} {{event}} {{field}} {{currency}}")],
            "short",
            12,
        ),
        rows_of(
            "Business events, ranked",
            "What is changed with success here, the most frequent first, whichever service does it; the first twenty.",
            ("event",),
            (
                Column("Per second", f"topk(20, {events})", "ops"),
                Column("Share", f"topk(20, {events} / scalar(sum({events})))", "percentunit"),
            ),
            24,
            height=7,
        ),
    )
