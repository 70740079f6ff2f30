from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from detector.clients.endpoint import Credentials, CredentialsError, Endpoint, base_url, encodings
from detector.clients.matrix import Grid, MatrixError, read_matrix
from detector.clients.prometheus import MAX_POINTS, MAX_SAMPLES, Prometheus, QueryError, columns_of
from detector.signals import with_window
from tests.detector.servers import FakePrometheus, Mood
from tests.detector.world import SIGNALS, shop

REQUESTS = with_window(next(signal.query for signal in SIGNALS if signal.name == "requests"), 120.0)
AT = 1_700_000_000.0


@pytest.fixture
def server() -> Iterator[FakePrometheus]:
    with FakePrometheus(shop()).serving() as running:
        yield running


def client(server: FakePrometheus, credentials: Credentials | None = None, timeout: float = 5.0) -> Prometheus:
    endpoint = Endpoint(server.url, credentials or Credentials(), timeout, 1 << 20)
    return Prometheus(endpoint, lambda _: None, lambda _: None)


def test_an_instant_query_gives_one_column(server: FakePrometheus) -> None:
    matrix = client(server).query(REQUESTS, AT)
    assert [labels["service_name"] for labels in matrix.labels] == ["web", "app", "cache"]
    assert matrix.values.shape == (3, 1)
    assert matrix.values[0, 0] == server.world.value("web", "requests", np.array([AT]))[0]


def test_a_range_query_puts_samples_where_they_belong(server: FakePrometheus) -> None:
    grid = Grid(AT, 300.0, 12)
    server.world.down.append((AT + 600, AT + 1200))
    matrix = client(server).query_range(REQUESTS, grid)
    assert np.flatnonzero(np.isnan(matrix.values[0])).tolist() == [2, 3]
    assert matrix.values[2, 4] == server.world.value("cache", "requests", np.array([AT + 1200]))[0]


def test_a_kept_connection_that_was_closed_meanwhile_is_no_failure(server: FakePrometheus) -> None:
    asking = client(server)
    known = asking.query(REQUESTS, AT)
    server.mood = Mood.HANG_UP_ONCE
    assert asking.query(REQUESTS, AT).labels == known.labels
    assert len(server.asked) == 3


@pytest.mark.parametrize("text", ["NaN", "+Inf", "-Inf"])
def test_a_sample_that_is_no_finite_number_is_told_from_none(text: str) -> None:
    result = b'[{"metric":{"a":"1"},"values":[[0,"%s"],[120,"3"]]}]' % text.encode()
    values = read_matrix(result, Grid(0.0, 60.0, 3)).values[0]
    assert [np.isinf(values[0]), np.isnan(values[1]), values[2]] == [True, True, 3.0]


def test_samples_of_one_time_are_read_as_those_of_many() -> None:
    texts = ("NaN", "+Inf", "-Inf", "1e-300", "0.30000000000000004", "-7")
    series = [b'{"metric":{"a":"%d"},"%%s":%%s[60.004,"%s"]%%s}' % (i, text.encode()) for i, text in enumerate(texts)]
    found = [
        read_matrix(b"[" + b",".join(one % words for one in series) + b"]", Grid(60.0, 1.0, 1))
        for words in ((b"value", b"", b""), (b"values", b"[", b"]"))
    ]
    assert found[0].labels == found[1].labels
    assert found[0].values.tolist() == found[1].values.tolist()
    assert found[0].values[3:, 0].tolist() == [1e-300, 0.30000000000000004, -7.0]


@pytest.mark.parametrize(
    ("samples", "complaint"),
    [
        ('{"metric":{"a":"1"},"value":[60,"1"]},{"metric":{"a":"1"},"value":[60,"2"]}', "came twice"),
        ('{"metric":{"a":"1"},"value":[60,"1"]},{"metric":{"a":"2"},"value":[61,"2"]}', "61"),
        ('{"metric":{"a":"1"},"value":[60,"much"]}', "form"),
        ('{"metric":{"a":"1"},"value":[60]}', "form"),
        ('{"metric":{"a":"1"}}', "no sample|form"),
        ('{"metric":{"a":1},"value":[60,"1"]}', "form"),
    ],
)
def test_samples_of_one_time_that_are_not_what_was_asked_for_are_refused(samples: str, complaint: str) -> None:
    with pytest.raises(MatrixError, match=complaint):
        read_matrix(f"[{samples}]".encode(), Grid(60.0, 1.0, 1))


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        (Mood.ERROR, "refused"),
        (Mood.BAD_QUERY, "refused"),
        (Mood.CUT, "transport"),
        (Mood.TRUNCATED, "malformed"),
        (Mood.NONSENSE, "malformed"),
        (Mood.LIST, "malformed"),
        (Mood.HTML, "malformed"),
        (Mood.TWICE, "malformed"),
        (Mood.UNORDERED, "malformed"),
        (Mood.PARTIAL, "partial"),
        (Mood.HANG_UP, "transport"),
        (Mood.FLOOD, "transport"),
    ],
)
def test_a_bad_answer_is_a_query_error_and_counted(server: FakePrometheus, mood: Mood, reason: str) -> None:
    failed: list[str] = []
    took: list[float] = []
    prometheus = Prometheus(Endpoint(server.url, Credentials(), 5.0, 1 << 20), took.append, failed.append)
    server.mood = mood
    with pytest.raises(QueryError) as of_instant:
        prometheus.query(REQUESTS, AT)
    with pytest.raises(QueryError) as of_range:
        prometheus.query_range(REQUESTS, Grid(AT, 60.0, 5))
    assert (of_instant.value.reason, of_range.value.reason) == (reason, reason)
    assert failed == [reason, reason]
    assert len(took) == 2


def test_an_answer_that_drips_ends_by_the_deadline(server: FakePrometheus) -> None:
    server.mood = Mood.DRIP
    with pytest.raises(QueryError, match=r"more than 0\.5 s"):
        client(server, timeout=0.5).query(REQUESTS, AT)


def test_no_server_is_a_query_error() -> None:
    prometheus = Prometheus(Endpoint("http://127.0.0.1:9", Credentials(), 1.0, 1 << 20), lambda _: None, lambda _: None)
    with pytest.raises(QueryError):
        prometheus.query(REQUESTS, AT)


def test_credentials_are_read_from_files_each_time(server: FakePrometheus, tmp_path: Path) -> None:
    token = tmp_path / "token"
    file = tmp_path / "http.yml"
    file.write_text("bearer_token_file: token\nheaders:\n  X-Scope-OrgID: shop\n")
    prometheus = client(server, Credentials.read(file))
    for secret in ("first", "second"):
        token.write_text(secret + "\n")
        prometheus.query(REQUESTS, AT)
        assert server.headers["Authorization"] == f"Bearer {secret}"
    assert server.headers["X-Scope-OrgID"] == "shop"


def test_basic_auth_is_sent(server: FakePrometheus, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("open sesame\n")
    file = tmp_path / "http.yml"
    file.write_text("username: ann\npassword_file: password\n")
    client(server, Credentials.read(file)).query(REQUESTS, AT)
    assert server.headers["Authorization"] == "Basic YW5uOm9wZW4gc2VzYW1l"


def test_answers_are_not_packed_on_their_way_within_one_machine(server: FakePrometheus) -> None:
    client(server).query(REQUESTS, AT)
    assert server.headers["Accept-Encoding"] == "identity"
    far = ("http://prometheus:9090", "http://10.0.0.7:9090/prometheus", "http://[2001:db8::1]:9090")
    assert {encodings(url) for url in far} == {"gzip, deflate"}
    assert {encodings(url) for url in ("http://localhost:9090", "http://[::1]:9090/vm")} == {"identity"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("pasword_file: x", "pasword_file: unknown key"),
        ("username: [a]", "username: has a wrong type"),
        ("- a", "mapping"),
    ],
)
def test_bad_credentials_files_are_refused(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "http.yml"
    file.write_text(text)
    with pytest.raises(CredentialsError, match=complaint):
        Credentials.read(file)


@pytest.mark.parametrize("text", ["http://ann:pw@host:9090", "host:9090", "ftp://host", "http://host/?a=b"])
def test_urls_that_are_of_no_use_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"URL|user"):
        base_url(text)


@pytest.mark.parametrize("series", [0, 1, 70, 1_000, 100_000, 10_000_000])
def test_answers_stay_within_the_limits(series: int) -> None:
    columns = columns_of(series)
    assert 1 <= columns <= MAX_POINTS
    assert columns * series <= MAX_SAMPLES or columns == 1
