"""The service overview: what a person who was just woken looks at first, from the top down.

How is business, which service is off, does it fail or is it slow, who calls whom, what does it use, and can what is
shown be trusted.
"""

from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models

from grafana.panels import DATASOURCE
from grafana.rows import rows
from grafana.rows.terms import HOSTS

UID = "larimar-service-overview"
TITLE = "Larimar / Service overview"


def overview() -> Dashboard:
    """Return the service overview."""
    board = (
        Dashboard(TITLE)
        .uid(UID)
        .description("All services that Larimar sees: what they do, how fast, how often they fail, who calls whom.")
        .tags(["larimar"])
        .editable()
        .refresh("30s")
        .time("now-1h", "now")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .link(_to_other_dashboards())
    )
    for variable in _variables():
        board.with_variable(variable)
    identifier = 0
    for title, panels in rows():
        identifier += 1
        board.with_row(Row(title).id(identifier))
        for panel in panels:
            identifier += 1
            board.with_panel(_Identified(panel, identifier))
    return board


class _Identified(Builder[models.Panel]):
    """A panel with its number within the dashboard, for links to it."""

    def __init__(self, panel: Builder[models.Panel], identifier: int) -> None:
        self._panel = panel
        self._identifier = identifier

    def build(self) -> models.Panel:
        """Return the numbered panel."""
        built = self._panel.build()
        built.id_val = self._identifier
        return built


def _variables() -> tuple[Builder[models.VariableModel], ...]:
    return (
        DatasourceVariable("datasource").label("Prometheus").type("prometheus"),
        _label_values("job", "larimar_build_info"),
        _label_values("instance", 'larimar_build_info{job=~"$job"}'),
        _label_values("service_name", f"larimar_service_info{{{HOSTS}}}").label("service"),
    )


def _label_values(name: str, series: str) -> QueryVariable:
    return (
        QueryVariable(name)
        .datasource(DATASOURCE)
        .query(f"label_values({series}, {name})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".+")
        .current(models.VariableOption(text=["All"], value=["$__all"], selected=True))
    )


def _to_other_dashboards() -> DashboardLink:
    return (
        DashboardLink("Larimar")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags(["larimar"])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )
