"""Divides the services among several detectors that share one Prometheus."""

import re
import zlib
from dataclasses import dataclass
from typing import Self

MOST = 1_000


@dataclass(frozen=True, slots=True)
class Shard:
    """One part of `parts`, counted from 1. A service with all its series is in one part alone."""

    number: int = 1
    parts: int = 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `i/n`. Raises ValueError."""
        match = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", text)
        if match is None:
            raise ValueError(f"{text!r} is not of the form 2/3")
        number, parts = int(match[1]), int(match[2])
        if not 1 <= number <= parts <= MOST:
            raise ValueError(f"{text!r}: the first number must be 1 to the second, that at most {MOST}")
        return cls(number, parts)

    def has(self, service_name: str) -> bool:
        """Whether a service is in this part; the same in every process, whatever other services there are."""
        return zlib.crc32(service_name.encode(errors="surrogatepass")) % self.parts == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.parts}"
