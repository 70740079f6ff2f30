"""What is told of each server endpoint of a capture."""

from exporter.model import Endpoint, Exchange, Flow, Kind, Message, Operation
from exporter.services.endpoints import MAX_ENDPOINTS, MAX_NAMES, OTHER, Endpoints

CLIENT = Endpoint("192.0.2.1", 1)


def flow(port: int) -> Flow:
    return Flow(CLIENT, Endpoint("192.0.2.2", port), "tcp", True)


def request(name: str) -> Message:
    return Message(Kind.REQUEST, 1, 2, 10, Operation(name))


def test_halves_count_as_requests() -> None:
    row = Endpoints().recognised(flow(80), "http")
    answer = Message(Kind.RESPONSE, 3, 7, 10, status="404", failed=True)
    for exchange in (Exchange(request("GET"), answer), Exchange(None, answer), Exchange(request("GET"), None)):
        row.record(exchange)
    assert (row.requests, row.responses, row.errors) == (3, 2, 2)
    assert row.operations == {"GET": 2}
    assert row.statuses == {"404": 2}
    assert (row.durations.count, row.durations.total) == (1, 6)


def test_connections_to_one_endpoint_share_a_row() -> None:
    endpoints = Endpoints()
    assert endpoints.recognised(flow(80), "http") is endpoints.recognised(flow(80), "http")
    assert endpoints.recognised(flow(80), "http") is not endpoints.recognised(flow(80), "unknown")


def test_rows_and_names_are_bounded() -> None:
    endpoints = Endpoints()
    for number in range(MAX_ENDPOINTS + 3):
        endpoints.recognised(Flow(CLIENT, Endpoint(f"2001:db8::{number:x}", 80), "tcp", True), "http")
    assert len(endpoints.rows) == MAX_ENDPOINTS
    assert endpoints.folded == 3
    row = Endpoints().recognised(flow(80), "http")
    for number in range(MAX_NAMES + 3):
        row.record(Exchange(request(f"NAME{number}"), None))
    assert len(row.operations) == MAX_NAMES + 1
    assert row.operations[OTHER] == 3


def test_mistaken_connections_are_counted() -> None:
    endpoints = Endpoints()
    endpoints.unparsable(flow(80), "http")
    assert endpoints.unparsable_connections == {"http": 1}
