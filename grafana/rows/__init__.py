"""The rows of the service overview and what each of their panels asks."""

from grafana.rows.anomalies import anomalies
from grafana.rows.business import business
from grafana.rows.coverage import coverage
from grafana.rows.edges import edges
from grafana.rows.inventory import inventory
from grafana.rows.requests import requests
from grafana.rows.resources import resources
from grafana.rows.terms import Panels


def rows() -> tuple[tuple[str, Panels], ...]:
    """Return each row's title and panels, from the top down."""
    return (
        ("How is business", business()),
        ("Which service is off", anomalies()),
        ("Requests, errors, latency (as servers)", requests()),
        ("Who calls whom", edges()),
        ("What the services use", resources()),
        ("What runs", inventory()),
        ("Can this be trusted: Larimar itself", coverage()),
    )
