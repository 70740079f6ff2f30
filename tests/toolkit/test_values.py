"""Parsers of settings' values."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit import values
from toolkit.values import Address


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("1h30m", 5400), ("14d", 1209600), ("250ms", 0.25), ("1.5m", 90), ("15", 15), ("0", 0)],
)
def test_durations(text: str, seconds: float) -> None:
    assert values.duration_seconds(text) == seconds


@pytest.mark.parametrize(("text", "size"), [("512", 512), ("64MB", 64_000_000), ("32MiB", 33_554_432), ("1kB", 1000)])
def test_sizes(text: str, size: int) -> None:
    assert values.size_bytes(text) == size


@pytest.mark.parametrize("text", ["28d", "90s", "5m", "0.5s", "0s"])
def test_durations_are_written_as_they_are_read(text: str) -> None:
    assert values.duration_text(values.duration_seconds(text)) == text


@pytest.mark.parametrize("text", ["32MiB", "1GiB", "4kiB", "1000B", "0B"])
def test_sizes_are_written_as_they_are_read(text: str) -> None:
    assert values.size_text(values.size_bytes(text)) == text


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        (":10177", "", 10177, False),
        ("127.0.0.1:0", "127.0.0.1", 0, True),
        ("[::1]:80", "::1", 80, True),
        ("localhost:9", "localhost", 9, True),
        ("0.0.0.0:65535", "0.0.0.0", 65535, False),
    ],
)
def test_addresses(text: str, host: str, port: int, loopback: bool) -> None:
    found = values.address(text)
    assert found == Address(host, port)
    assert found.loopback is loopback
    assert str(found) == text


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (values.address, "10177"),
        (values.address, "::1:80"),
        (values.address, "host:65536"),
        (values.address, "host:8²"),
        (values.duration_seconds, "5 minutes"),
        (values.duration_seconds, "-1"),
        (values.duration_seconds, ""),
        (values.duration_seconds, "nan"),
        (values.size_bytes, "1.5MB"),
        (values.number, "inf"),
        (values.boolean, "maybe"),
        (values.choice("a", "b"), "c"),
        (values.within(values.whole_number, 1, 3), "0"),
        (values.within(values.number, 1, 3), "3.5"),
        (values.url, "localhost:9090"),
        (values.url, "http://"),
        (values.url, "http://h:99999"),
        (values.url, "http://h/?a=b"),
        (values.url, "http://[::1"),
    ],
)
def test_wrong_text_is_refused(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_a_url_loses_only_its_trailing_slash() -> None:
    assert values.url("https://user:pw@h:9090/prefix/") == "https://user:pw@h:9090/prefix"


@given(st.text(max_size=30))
def test_any_text_is_a_value_or_a_value_error(text: str) -> None:
    for parse in (values.address, values.duration_seconds, values.size_bytes, values.number, values.url):
        with suppress(ValueError):
            parse(text)
