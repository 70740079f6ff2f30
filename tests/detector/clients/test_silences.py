import json
from collections.abc import Callable, Iterator

import pytest

from detector.clients.alertmanager import Alertmanager, DeliveryError
from detector.clients.endpoint import Credentials, Endpoint
from detector.clients.listener import Listener
from detector.clients.silences import SilencesError, read_silences
from detector.incidents.feedback import Matcher, Silence
from tests.detector.running import AtOnce
from tests.detector.servers import FakeAlertmanager

LISTED = {
    "id": "7d8d2e64",
    "status": {"state": "expired"},
    "updatedAt": "2025-06-15T12:00:00.250Z",
    "comment": "larimar: false",
    "createdBy": "somebody",
    "startsAt": "2025-06-15T12:00:00.250Z",
    "endsAt": "2025-06-15T14:00:00.250Z",
    "matchers": [
        {"name": "service_name", "value": "app", "isRegex": False, "isEqual": True},
        {"name": "signal", "value": "a|b", "isRegex": True},
    ],
}
READ = Silence(
    "7d8d2e64",
    "larimar: false",
    1749988800.25,
    (Matcher("service_name", "app"), Matcher("signal", "a|b", is_regex=True)),
)


@pytest.fixture
def server() -> Iterator[FakeAlertmanager]:
    with FakeAlertmanager(lambda: 0.0).serving() as running:
        yield running


def client(url: str) -> Alertmanager:
    return Alertmanager(Endpoint(url, Credentials(), 5.0, 1 << 20))


def listener(targets: list[Alertmanager], failed: Callable[[], None] = lambda: None) -> Listener:
    return Listener(targets, AtOnce(), failed)


def test_silences_are_read_as_they_are_listed(server: FakeAlertmanager) -> None:
    server.silences = [LISTED]
    assert client(server.url).silences() == (READ,)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[1]", b"<html>", b"[" * 100_000, b"\xff", json.dumps([{**LISTED, "updatedAt": "soon"}]).encode()],
)
def test_what_is_no_list_of_silences_is_refused(body: bytes) -> None:
    with pytest.raises(SilencesError):
        read_silences(body)


def test_an_alertmanager_that_is_away_is_an_error_that_names_it() -> None:
    with pytest.raises(DeliveryError, match=r"http://127\.0\.0\.1:9"):
        client("http://127.0.0.1:9").silences()


def test_one_that_is_away_does_not_hide_what_the_other_tells(server: FakeAlertmanager) -> None:
    server.silences = [LISTED]
    failures: list[int] = []
    listening = listener([client("http://127.0.0.1:9"), client(server.url)], lambda: failures.append(1))
    assert listening.take() == ()
    listening.ask()
    assert listening.take() == (READ,)
    assert listening.take() == ()
    assert failures == [1]
