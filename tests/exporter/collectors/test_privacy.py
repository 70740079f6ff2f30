"""Nothing that identifies anybody or anything reaches a label, whatever is asked."""

import base64

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.collectors.business import event_families
from exporter.collectors.operations import db_families, http_families, messaging_families
from exporter.model import Exchange, Kind, Message, Operation, Role
from exporter.protocols import http_head, mongodb_commands, names, sql
from exporter.services.families import family_of
from exporter.services.traffic import Caps, Traffic

PUBLISH = Operation("PUBLISH")
SECRET = st.one_of(
    st.integers(10**3, 10**18).map(str),
    st.uuids().map(str),
    st.binary(min_size=12, max_size=32).map(bytes.hex),
    st.binary(min_size=20, max_size=40).map(lambda raw: base64.urlsafe_b64encode(raw).decode()),
    st.from_regex(r"[a-z]{5,10}\.[a-z]{3,10}@[a-z]{4,10}\.com", fullmatch=True),
    st.from_regex(r"4\d{3}-\d{4}-\d{4}-\d{4}", fullmatch=True),
    st.from_regex(r"\+49 \d{9,11}", fullmatch=True),
)
STATUS = st.sampled_from(["200", "201", "404", "500"])


def requests(secret: str) -> list[tuple[str, Operation]]:
    """Return protocols and what is asked in them, with the secret wherever one may stand."""
    raw = secret.encode()
    paths = [
        f"/{secret}",
        f"/users/{secret}",
        f"/a/{secret}/b",
        f"/x?token={secret}",
        f"/{secret}.json",
        f"/x;{secret}",
    ]
    statements = [
        f"SELECT * FROM users WHERE email = '{secret}'",
        f"INSERT INTO users VALUES ('{secret}')",
        f"SELECT '{secret}'",
        f"CALL add_user('{secret}')",
        f"-- {secret}\nDELETE FROM users",
        f"SELECT * FROM '{secret}'",
    ]
    topics = [f"users/{secret}", f"users.{secret}.mail", secret]
    return [
        *(("http", http_head.operation_of(b"POST", path.encode())) for path in paths),
        *(("postgresql", sql.operation_of(text.encode())) for text in statements),
        *(("mysql", sql.operation_of(text.encode(), escapes=True)) for text in statements),
        *(("mqtt", names.directed(PUBLISH, topic.encode())) for topic in topics),
        ("mongodb", mongodb_commands.operation_of(raw)),
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SECRET, STATUS), min_size=1, max_size=4))
def test_no_secret_is_a_label(asked: list[tuple[str, str]]) -> None:
    traffic = Traffic(family_of, Caps(), 900.0)
    for secret, status in asked * 10:
        for protocol, operation in requests(secret):
            request = Message(Kind.REQUEST, 0, 0, 100, operation)
            exchange = Exchange(request, Message(Kind.RESPONSE, 1, 1, 100, status=status))
            traffic.side("shop", Role.SERVER, protocol).add(exchange)
    snapshot = traffic.snapshot()
    collectors = (http_families, db_families, messaging_families, event_families)
    told = {
        value
        for collect in collectors
        for family in collect(snapshot)
        for sample in family.samples
        for value in sample.labels.values()
    }
    assert {"shop", "POST", "/users/{id}"} & told
    assert not [(secret, value) for secret, _ in asked for value in told if secret.lower() in value.lower()]
