"""Scores the files of the Numenta Anomaly Benchmark with the detector, causally, in one configuration.

usage: python -m benchmarks.nab --data DIR --out RESULTS [--incumbent NAME] [--json]

DIR/data/<category>/<file>.csv holds `timestamp,value`; RESULTS gets the same tree with an `anomaly_score` in [0, 1] per
row, as the benchmark's own scorer wants it. 0.5 is the threshold that the product alerts at. With `--incumbent` another
method (benchmarks/incumbents) scores them; as the product does, it tells an anomaly once.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.incumbents import INCUMBENTS
from detector.backtest.series import read, scores
from detector.model import Floats
from detector.streams.surprise import NEWS, SPAN

OWN = "larimar"
BY_NAME = {incumbent.name: incumbent for incumbent in INCUMBENTS}


def squeezed(found: Floats) -> Floats:
    """Map scores to [0, 1]: 1, from which on a point is anomalous, to 0.5."""
    known = np.nan_to_num(found)
    return np.asarray(known / (1.0 + known))


def write(path: Path, found: Floats) -> None:
    """Write one score per row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("anomaly_score\n" + "".join(f"{value:.9f}\n" for value in found))


def scored(name: str, file: Path) -> Floats:
    """Return the scores of a file's points by the product, or by an incumbent."""
    times, values = read(file)
    if name == OWN:
        return np.array(list(scores(times, values)))
    return told_once(BY_NAME[name].score(values[None], times)[0])


def told_once(found: Floats) -> Floats:
    """Return scores where they rise above those just before by as much as the product takes for news, else zero."""
    before = np.lib.stride_tricks.sliding_window_view(np.concatenate([np.zeros(SPAN), found[:-1]]), SPAN).max(1)
    return np.where(found > NEWS * before, found, 0.0)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--incumbent", choices=sorted(BY_NAME), default=OWN)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    root = options.data / "data"
    files = sorted(root.rglob("*.csv"))
    if not files:
        parser.error(f"{root} holds no CSV files")
    begun, rows, anomalous = time.monotonic(), 0, {}
    for file in files:
        found = scored(options.incumbent, file)
        write(options.out / file.relative_to(root), squeezed(found))
        rows += len(found)
        anomalous[str(file.relative_to(root))] = int((found >= 1).sum())
    taken = time.monotonic() - begun
    if options.json:
        print(json.dumps({"files": len(files), "rows": rows, "seconds": round(taken, 1), "anomalous": anomalous}))
        return 0
    for name, count in anomalous.items():
        print(f"{name:56s} {count:4d} anomalous points")
    print(f"{rows} points of {len(files)} files in {taken:.1f} s, {taken / rows * 1e6:.0f} us each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
