"""The compiled modules and their sources mean the same numbers."""

import re
from pathlib import Path

from exporter.net import layout


def test_the_constants_that_the_c_compiler_sees_are_those_of_the_source() -> None:
    text = Path(layout.__file__).with_suffix(".pxd").read_text(encoding="utf-8")
    large = re.findall(r"#define LARIMAR_(\w+) \(\(uint64_t\)(0x[0-9a-f]+)u", text)
    small = re.findall(r"^    (\w+) = (\d+)$", text, re.MULTILINE)
    compiled = {name: int(value, 0) for name, value in (*large, *small)}
    assert compiled == {name: value for name, value in vars(layout).items() if name.isupper()}
