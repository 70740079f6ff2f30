from collections.abc import Iterator

import pytest

from detector.clients.alertmanager import Alertmanager, DeliveryError
from detector.clients.endpoint import Credentials, Endpoint
from detector.clients.notifier import Notifier
from detector.model import Alert
from tests.detector.servers import FakeAlertmanager


@pytest.fixture
def server() -> Iterator[FakeAlertmanager]:
    with FakeAlertmanager(lambda: 0.0).serving() as running:
        yield running


def client(server: FakeAlertmanager) -> Alertmanager:
    return Alertmanager(Endpoint(server.url, Credentials(), 5.0, 1 << 16))


def alerts(count: int) -> list[Alert]:
    return [Alert({"alertname": f"a{n}"}, {"summary": "s"}, 10.0, 20.0, "http://x/") for n in range(count)]


def names(server: FakeAlertmanager) -> set[str]:
    return {post.labels["alertname"] for post in server.posted}


def test_all_alerts_arrive_in_bounded_batches(server: FakeAlertmanager) -> None:
    delivery = client(server).post(alerts(600))
    assert (delivery.accepted, delivery.refused) == (600, ())
    assert len(names(server)) == 600
    assert server.posts == 3


def test_one_invalid_alert_does_not_cost_the_others(server: FakeAlertmanager) -> None:
    server.refuse = lambda labels: labels["alertname"] == "a2"
    delivery = client(server).post(alerts(4))
    assert delivery.accepted == 3
    assert len(delivery.refused) == 1
    assert "a2" in delivery.refused[0]
    assert names(server) == {"a0", "a1", "a3"}


@pytest.mark.parametrize("status", [301, 401, 404, 429, 500, 503])
def test_any_other_status_is_no_delivery(server: FakeAlertmanager, status: int) -> None:
    server.status = status
    with pytest.raises(DeliveryError, match=str(status)):
        client(server).post(alerts(1))


def test_no_answer_is_no_delivery(server: FakeAlertmanager) -> None:
    server.hang_up = True
    with pytest.raises(DeliveryError):
        client(server).post(alerts(1))


def test_one_dead_alertmanager_does_not_keep_the_other_waiting(server: FakeAlertmanager) -> None:
    dead = Alertmanager(Endpoint("http://127.0.0.1:9", Credentials(), 1.0, 1 << 16))
    notifier = Notifier([dead, client(server)], lambda _: 0.01)
    try:
        notifier.send(alerts(2))
        assert notifier.settle(5.0)
        assert names(server) == {"a0", "a1"}
        assert notifier.tallies()[server.url].sent == 2
        assert notifier.tallies()["http://127.0.0.1:9"].failed >= 2
    finally:
        notifier.close()


def test_what_could_not_be_delivered_is_tried_again_until_it_is(server: FakeAlertmanager) -> None:
    server.status = 503
    tried: list[int] = []

    def recover(failures: int) -> float:
        tried.append(failures)
        if failures == 3:
            server.status = 200
        return 0.001

    notifier = Notifier([client(server)], recover)
    try:
        notifier.send(alerts(1))
        assert notifier.settle(5.0)
        while not server.posted:
            notifier.settle(0.01)
        assert tried[:3] == [1, 2, 3]
    finally:
        notifier.close()


def test_a_newer_batch_takes_the_place_of_the_undelivered_one(server: FakeAlertmanager) -> None:
    server.status = 503
    notifier = Notifier([client(server)], lambda _: 0.05)
    try:
        notifier.send(alerts(1))
        assert notifier.settle(5.0)
        notifier.send(alerts(3))
        server.status = 200
        while len(names(server)) < 3:
            assert notifier.settle(5.0)
        assert names(server) == {"a0", "a1", "a2"}
    finally:
        notifier.close()
