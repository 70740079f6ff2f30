"""Links in alerts: to the numbers, the dashboard, the runbook."""

from dataclasses import dataclass
from urllib.parse import urlencode

from detector.incidents.incident import Incident

RUNBOOKS = "docs/runbooks.md"  # of this project, one section per alert name
BEFORE_SECONDS = 3600  # of what a dashboard shows, so that the usual is seen beside the trouble


@dataclass(frozen=True, slots=True)
class Places:
    """Addresses as people open them, without a slash at the end.

    Attributes:
        prometheus: absolute.
        detector: absolute, or empty where nobody said.
        runbooks: the page that has every alert's name as an anchor.
        dashboard: absolute, Grafana's dashboard of services; empty where there is none.
    """

    prometheus: str
    detector: str
    runbooks: str
    dashboard: str

    def graph(self, expression: str) -> str:
        """Prometheus with an expression."""
        return f"{self.prometheus}/graph?" + urlencode({"g0.expr": expression, "g0.tab": 0, "g0.range_input": "6h"})

    def own_health(self) -> str:
        """Why the detector cannot work: tells more than a Prometheus that does not answer."""
        return f"{self.detector}/-/ready" if self.detector else self.graph("up")

    def annotations(self, incident: Incident) -> dict[str, str]:
        """The links of an incident, by the names of their annotations."""
        found = {"runbook_url": f"{self.runbooks}#{incident.identity.alertname.lower()}"}
        if self.dashboard:
            found["dashboard_url"] = self._dashboard(incident)
        return found

    def _dashboard(self, incident: Incident) -> str:
        chosen = {"var-service_name": incident.identity.service_name, "var-instance": incident.identity.instance}
        begin = round(incident.starts_at - BEFORE_SECONDS) * 1000  # in milliseconds
        parameters = {name: value for name, value in chosen.items() if value} | {"from": str(begin), "to": "now"}
        return f"{self.dashboard}?{urlencode(parameters)}"
