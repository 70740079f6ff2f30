"""What the rows ask in common: which exporters and services are looked at, and how rates are taken."""

from collections.abc import Sequence

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models

HOSTS = 'job=~"$job",instance=~"$instance"'
SERVICES = f'{HOSTS},service_name=~"$service_name"'
SERVER = f'{SERVICES},role="server"'
CLIENT = f'{SERVICES},role="client"'
EDGES = f'{HOSTS},client=~"$service_name|~.*"'
# The detector is another job on another host.
WATCHED = 'service_name=~"$service_name"'
RATE = "[$__rate_interval]"
SERVICE = "{{service_name}}"  # a line's name

Panels = Sequence[Builder[models.Panel]]


def rate(metric: str, by: str, matchers: str = SERVER) -> str:
    """Return the rate of a counter, summed by labels."""
    return f"sum by ({by}) (rate({metric}{{{matchers}}}{RATE}))"
