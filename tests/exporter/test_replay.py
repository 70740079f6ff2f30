"""`larimar replay`: what is said of a capture."""

import gzip
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exporter import replay

PCAPS = Path(__file__).parents[1] / "pcaps"
CAPTURES = ("http", "redis", "postgresql", "ldap", "fastcgi", "smtp", "clickhouse", "elasticsearch")


@dataclass(frozen=True, slots=True)
class Said:
    """What the command printed, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def endpoint(self) -> dict[str, Any]:
        """Return the only endpoint of the JSON."""
        (endpoint,) = json.loads(self.out)["endpoints"]
        assert isinstance(endpoint, dict)
        return endpoint


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Said:
    status = replay.main(arguments)
    captured = capsys.readouterr()
    return Said(status, captured.out, captured.err)


@pytest.mark.parametrize("name", CAPTURES)
def test_counts_equal_the_servers_own(capsys: pytest.CaptureFixture[str], name: str) -> None:
    own = json.loads((PCAPS / f"{name}.json").read_text())
    said = run(capsys, str(PCAPS / f"{name}.pcap"), "--json")
    endpoint = said.endpoint
    assert said.status == 0
    assert endpoint["protocol"] == name
    assert (endpoint["requests"], endpoint["errors"]) == (own["requests"], own["errors"])
    assert endpoint["status"] == own.get("statuses", endpoint["status"])
    # PostgreSQL's log names the verb only of statements that did not fail.
    for operation, count in own.get("operations", {}).items():
        assert endpoint["ops"][operation] >= count


def test_operations_equal_redis_own(capsys: pytest.CaptureFixture[str]) -> None:
    own = json.loads((PCAPS / "redis.json").read_text())
    assert run(capsys, str(PCAPS / "redis.pcap"), "--json").endpoint["ops"] == own["operations"]


def test_latency_is_counted_and_ordered(capsys: pytest.CaptureFixture[str]) -> None:
    latency = run(capsys, str(PCAPS / "redis.pcap"), "--json").endpoint["latency"]
    assert latency["count"] == 63  # two commands asked for no reply
    assert 0 < latency["p50_s"] <= latency["p99_s"] <= latency["sum_s"] < 1


def test_standard_input_may_be_compressed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    plain = (PCAPS / "http.pcap").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(plain))))
    assert run(capsys, "-", "--json").endpoint["requests"] == 13


def test_table_has_a_line_for_each_endpoint(capsys: pytest.CaptureFixture[str]) -> None:
    header, line = run(capsys, str(PCAPS / "postgresql.pcap")).out.splitlines()
    assert header.split() == ["SERVER", "PROTOCOL", "REQUESTS", "ERRORS", "P50", "P99", "OPERATIONS"]
    assert line.split()[1:4] == ["postgresql", "32", "4"]
    assert "SELECT 23" in line


def test_truncated_file_says_what_was_readable_and_where_it_ends(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes((PCAPS / "postgresql.pcap").read_bytes()[:20_000])
    said = run(capsys, str(cut), "--json")
    assert said.status == 1
    assert 0 < said.endpoint["requests"] < 32
    assert len(said.err.splitlines()) == 1
    assert "offset" in said.err


@pytest.mark.parametrize("content", [b"", b"\xd4", b"GIF89a", b"\0" * 100, b"\x0a\x0d\x0d\x0a" + b"\xff" * 40])
def test_foreign_file_is_one_clear_error(capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "foreign"
    file.write_bytes(content)
    said = run(capsys, str(file), "--json")
    assert said.status == 1
    assert json.loads(said.out) == {"endpoints": []}
    assert len(said.err.splitlines()) == 1
    assert str(file) in said.err


def test_missing_file_is_one_clear_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    said = run(capsys, str(tmp_path / "none.pcap"))
    assert said.status == 1
    assert said.err == f"larimar replay: {tmp_path / 'none.pcap'}: No such file or directory\n"


def test_payloads_are_never_said(capsys: pytest.CaptureFixture[str]) -> None:
    for name in CAPTURES:
        said = run(capsys, str(PCAPS / f"{name}.pcap"), "--json").out
        assert not any(secret in said for secret in ("key:", "inline", "/missing", "xxxx", "tester", "nowhere"))
