"""Log lines: fields, both formats, one line each, and never a credential."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.logs import JsonFormatter, LogfmtFormatter, configure, fields


@pytest.fixture
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"msg": message, "name": "demo", "levelno": logging.WARNING, "created": 0.5})
    made.__dict__.update(extra)
    return made


def test_logfmt_quotes_only_what_needs_it() -> None:
    line = LogfmtFormatter().format(record("scrape failed", target="a:1", reason='x "y"\n', n=3, ok=True, none=None))
    assert line == (
        "ts=1970-01-01T00:00:00.500Z level=warn logger=demo "
        'msg="scrape failed" target=a:1 reason="x \\"y\\"\\n" n=3 ok=true none=null'
    )


def test_json_keeps_types() -> None:
    line = json.loads(JsonFormatter().format(record("m", n=3, share=0.5, bad=float("nan"), thing=[1])))
    assert line == {
        "ts": "1970-01-01T00:00:00.500Z",
        "level": "warn",
        "logger": "demo",
        "msg": "m",
        "n": 3,
        "share": 0.5,
        "bad": "nan",
        "thing": "[1]",
    }


def test_an_extra_field_cannot_replace_our_own() -> None:
    found = fields(record("m", level="x", ts="y"))
    assert (found["level"], found["level_"], found["ts_"]) == ("warn", "x", "y")


def test_credentials_never_arrive() -> None:
    line = LogfmtFormatter().format(
        record("got http://user:secret@host/ with Authorization: Basic c2VjcmV0c2VjcmV0", db_password="secret", token=7)
    )
    assert "secret" not in line
    assert "c2VjcmV0" not in line
    assert "db_password=*** token=***" in line


def test_an_exception_is_one_line(restored: None) -> None:
    output = io.StringIO()
    configure("info", "logfmt", output)
    try:
        raise ValueError("no http://u:p4ss@h")
    except ValueError:
        logging.getLogger("demo").exception("failed")
    lines = output.getvalue().splitlines()
    assert len(lines) == 1
    assert 'err="ValueError: no http://***@h"' in lines[0]
    assert "p4ss" not in lines[0]
    assert "Traceback" in lines[0]


def test_the_level_leaves_out_what_is_below(restored: None) -> None:
    output = io.StringIO()
    configure("warn", "json", output)
    logging.getLogger("demo").info("small")
    logging.getLogger("demo").warning("large")
    assert [json.loads(line)["msg"] for line in output.getvalue().splitlines()] == ["large"]


@given(message=st.text(), value=st.text(), name=st.text(min_size=1))
def test_any_text_is_one_line(message: str, value: str, name: str) -> None:
    made = record(message)
    made.__dict__.setdefault(name, value)
    for formatter in (LogfmtFormatter(), JsonFormatter()):
        line = formatter.format(made)
        assert len(line.splitlines()) == 1
        assert line.isascii()
