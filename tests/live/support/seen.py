"""What an exporter's page says of the service that listens on a port."""

from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.live.support.stack import Process
from tests.live.support.waiting import until

PATIENCE_SECONDS = 20.0
# Counts are exact where nothing is shed for the processor's sake.
UNSHED = ("--capture.cpu-budget=64",)


class Seen:
    """One look at the page, or `settled`, the first one that is as it should be."""

    def __init__(self, page: str, port: int) -> None:
        self.page = page
        self._samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
        listening = (sample.labels for sample in self._samples if sample.name == "larimar_listen_info")
        self.service = next((labels["service_name"] for labels in listening if labels["port"] == str(port)), "")

    def samples(self, name: str, **labels: str) -> list[Sample]:
        """Return the server's samples of one metric, with at least these labels."""
        wanted = {"service_name": self.service, "role": "server", **labels}
        return [s for s in self._samples if s.name == name and wanted.items() <= s.labels.items()]

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of the server's samples of one metric."""
        return sum(sample.value for sample in self.samples(name, **labels))

    def by(self, label: str, name: str, **labels: str) -> dict[str, float]:
        """Return the server's sums of one metric by the values of a label, zeros left out."""
        sums: dict[str, float] = {}
        for sample in self.samples(name, **labels):
            sums[sample.labels[label]] = sums.get(sample.labels[label], 0.0) + sample.value
        return {value: count for value, count in sums.items() if count}

    def median(self, **labels: str) -> float:
        """Return the server's median duration, interpolated within the histogram as Prometheus does; seconds."""
        sums: dict[float, float] = {}
        for sample in self.samples("larimar_request_duration_seconds_bucket", **labels):
            bound = float(sample.labels["le"])
            sums[bound] = sums.get(bound, 0.0) + sample.value
        wanted = max(sums.values(), default=0.0) / 2
        lower, below = 0.0, 0.0
        for bound, count in sorted(sums.items()):
            if count >= wanted > 0:
                return lower + (bound - lower) * (wanted - below) / (count - below)
            lower, below = bound, count
        raise AssertionError("an empty histogram\n" + self.losses())

    def edges(self, protocol: str) -> dict[str, float]:
        """Return the requests to the server by who asked."""
        wanted = {"server": self.service, "protocol": protocol}
        told = (s for s in self._samples if s.name == "larimar_edge_requests_total")
        return {s.labels["client"]: s.value for s in told if wanted.items() <= s.labels.items()}

    def asked(self, client: str, protocol: str) -> float:
        """Return how much a service asked of whomever."""
        wanted = {"service_name": client, "role": "client", "protocol": protocol}
        told = (s for s in self._samples if s.name == "larimar_requests_total")
        return sum(s.value for s in told if wanted.items() <= s.labels.items())

    def losses(self) -> str:
        """Return what the exporter says of its own sight, and of the server's requests."""
        own = ("larimar_capture", "larimar_flows", "larimar_parse", "larimar_listen_info", "larimar_edge_requests")
        served = ("larimar_requests_total{", "larimar_request_errors_total{", "larimar_inferred_requests_total{")
        return "\n".join(line for line in self.page.splitlines() if line.startswith(own + served))


def settled(exporter: Process, port: int, done: Callable[[Seen], bool]) -> Seen:
    """Return the page once `done` holds, or as it is at last: what is missing is for the assertions to say."""
    last: list[Seen] = []

    def look() -> bool:
        last[:] = [Seen(exporter.page(), port)]
        return done(last[0])

    try:
        until(look, PATIENCE_SECONDS, "")
    except TimeoutError:
        return last[0]
    return last[0]
