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
        ("Business", business()),
        ("Anomalies", anomalies()),
        ("Requests, errors and latency (as server)", requests()),
        ("Calls between services", edges()),
        ("Resources", resources()),
        ("Inventory", inventory()),
        ("Health of Larimar", coverage()),
    )
