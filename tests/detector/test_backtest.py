"""The command that tells what would have been said about a series in a file."""

import json
from pathlib import Path

import numpy as np
import pytest

from detector.backtest.command import main

STEP = 300
JUMP_AT = 400


@pytest.fixture
def calm(tmp_path: Path) -> Path:
    """A series that jumps once."""
    values = np.random.default_rng(1).normal(50, 2, 500)
    values[JUMP_AT] = 500
    path = tmp_path / "calm.csv"
    path.write_text("timestamp,value\n" + "".join(f"{STEP * row},{value}\n" for row, value in enumerate(values)))
    return path


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "series.csv"
    path.write_text(text)
    return path


def test_the_jump_is_found_and_named_with_its_time(calm: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(calm)]) == 0
    *found, total = capsys.readouterr().out.splitlines()
    assert any("1970-01-02 09:20:00 UTC: 500, score" in line for line in found)
    assert total.endswith(f"{len(found)} of 500 points are anomalous")


def test_every_point_is_a_line_of_json(calm: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", str(calm)]) == 0
    points = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(points) == 500
    assert points[0]["score"] is None
    assert max(points, key=lambda point: point["score"] or 0)["timestamp"] == JUMP_AT * STEP


def test_times_may_be_iso_8601_and_values_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "timestamp,value\n2024-01-01 00:00:00,1\n2024-01-01T00:05:00+00:00,\n2024-01-01T00:10:00Z,inf\n"
    assert main(["--json", str(written(tmp_path, text))]) == 0
    points = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [point["timestamp"] - points[0]["timestamp"] for point in points] == [0, 300, 600]
    assert [point["value"] for point in points] == [1, None, None]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no columns timestamp and value"),
        ("time,value\n1,2\n", "no columns timestamp and value"),
        ("timestamp,value\n", "holds no points"),
        ("1700000000,5\n", "its first line is '1700000000,5'"),
        ("timestamp,value\n1700000000000,5\n", "line 2: '1700000000000' is no time in seconds since the epoch"),
        ("timestamp,value\nnan,5\n", "line 2: 'nan' is no time"),
        ("timestamp,value\n1,five\n", "line 2: 'five' is no number"),
        ("timestamp,value\n,5\n", "line 2: '' is no time"),
        ("timestamp,value\n1," + "9" * 200_000 + "\n", "field larger than field limit"),
        ("timestamp,value\n1,2\nyesterday,3\n", "line 3"),
        ("timestamp,value\n1,2\nnan,3\n", "line 3"),
        ("timestamp,value\n1,many\n", "line 2"),
        ("timestamp,value\n2,1\n1,1\n", "point 2: its time is before"),
    ],
)
def test_a_file_without_a_series_is_named_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, complaint: str
) -> None:
    path = written(tmp_path, text)
    assert main([str(path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert str(path) in printed.err
    assert complaint in printed.err


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.csv")]) == 1
    assert "none.csv" in capsys.readouterr().err


def test_a_file_may_begin_with_a_byte_order_mark_and_end_lines_as_windows_does(
    calm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.csv"
    other.write_bytes(b"\xef\xbb\xbf" + calm.read_bytes().replace(b"\n", b"\r\n"))
    outputs = []
    for path in (calm, other):
        assert main([str(path)]) == 0
        outputs.append(capsys.readouterr().out.replace(str(path), ""))
    assert outputs[0] == outputs[1]


def test_files_and_flags_of_a_prometheus_do_not_go_together(calm: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(calm), "--since=3d"])
    assert ended.value.code == 2
    assert f"{calm}: with files, there are no flags but --json and --pictures" in capsys.readouterr().err
