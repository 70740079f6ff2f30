"""Basic auth and the rate limit."""

import base64

import bcrypt
import pytest

from toolkit.access import Bucket, Credentials, Verdict
from toolkit.http1 import Request
from toolkit.webconfig import RateLimit, WebConfig

HASH = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
CONFIG = WebConfig(users={"alice": HASH})


def request(credentials: bytes, scheme: str = "Basic") -> Request:
    return Request("GET", "/", headers={"authorization": f"{scheme} {base64.b64encode(credentials).decode()}"})


def check(credentials: bytes, config: WebConfig = CONFIG) -> Verdict:
    return Credentials(b"key").check(config, request(credentials))


def test_without_users_everybody_may_read() -> None:
    assert Credentials(b"key").check(WebConfig(), Request("GET", "/")) is Verdict.ALLOWED


def test_only_the_right_password_of_the_right_user_is_let_in() -> None:
    assert check(b"alice:right") is Verdict.ALLOWED
    for wrong in (b"alice:wrong", b"bob:right", b"alice:", b":right", b"alice", b"", b"alice:right\0", b"\xff:right"):
        assert check(wrong) is Verdict.UNAUTHORISED


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!!", "Bearer YWxpY2U6cmlnaHQ=", "Basic YWxpY2U6cmlnaHQ"])
def test_a_malformed_header_is_turned_away(header: str) -> None:
    turned = Credentials(b"key").check(CONFIG, Request("GET", "/", headers={"authorization": header}))
    assert turned is Verdict.UNAUTHORISED


def test_a_verified_scraper_needs_no_bcrypt_and_survives_guessing() -> None:
    credentials = Credentials(b"key", wait_seconds=0)
    assert credentials.check(CONFIG, request(b"alice:right")) is Verdict.ALLOWED
    for guess in range(150):  # more than are remembered
        assert credentials.check(CONFIG, request(f"alice:{guess}".encode())) is Verdict.UNAUTHORISED
    credentials._checking.acquire()  # strangers now have to wait; the scraper does not
    assert credentials.check(CONFIG, request(b"alice:right")) is Verdict.ALLOWED
    assert credentials.check(CONFIG, request(b"alice:new")) is Verdict.BUSY


def test_a_changed_password_ends_what_was_remembered() -> None:
    credentials = Credentials(b"key")
    changed = WebConfig(users={"alice": bcrypt.hashpw(b"other", bcrypt.gensalt(4)).decode()})
    assert credentials.check(CONFIG, request(b"alice:right")) is Verdict.ALLOWED
    assert credentials.check(changed, request(b"alice:right")) is Verdict.UNAUTHORISED


def test_the_bucket_refills_with_time() -> None:
    now = [100.0]
    bucket = Bucket(lambda: now[0])
    limit = RateLimit(interval_seconds=2.0, burst=3)
    assert [bucket.take(limit) for _ in range(4)] == [True, True, True, False]
    now[0] += 2.0
    assert [bucket.take(limit) for _ in range(2)] == [True, False]
    now[0] += 1000.0
    assert [bucket.take(limit) for _ in range(4)] == [True, True, True, False]
    assert bucket.take(None)
