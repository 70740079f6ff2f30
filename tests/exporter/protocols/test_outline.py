"""Connections that are recognised and then only paired by turns."""

from pathlib import Path

import pytest

from exporter.model import Exchange, Flow
from exporter.net.engine import Engine
from exporter.protocols import PROTOCOLS
from exporter.protocols.outline import Outlines, Records
from exporter.sources.pcapfile import feed

PCAPS = Path(__file__).parents[2] / "pcaps"


class Book:
    """An observer that keeps all, by protocol."""

    def __init__(self) -> None:
        self.exchanges: dict[str, list[Exchange]] = {}
        self.closed = 0
        self.protocol = ""

    def recognised(self, flow: Flow, protocol: str) -> "Page":
        return Page(self, protocol)

    def unparsable(self, flow: Flow, protocol: str) -> None:
        raise AssertionError(protocol)


class Page:
    """A recorder of one connection."""

    def __init__(self, book: Book, protocol: str) -> None:
        self.book = book
        self.protocol = protocol

    def record(self, exchange: Exchange) -> None:
        self.book.exchanges.setdefault(self.protocol, []).append(exchange)

    def close(self, at: int) -> None:
        self.book.closed += 1


@pytest.mark.parametrize(("name", "least"), [("http", 10), ("redis", 8), ("postgresql", 30)])
def test_connections_of_real_servers_are_known_and_timed(name: str, least: int) -> None:
    book = Book()
    records = Records(book)
    engine = Engine(Outlines(records, PROTOCOLS), turns=records.turns)
    with (PCAPS / f"{name}.pcap").open("rb") as file:
        feed(file, engine)
    engine.close(0)
    records.settle()
    assert len(book.exchanges[name]) >= least
    assert all(0 < exchange.duration < 2_000_000_000 for exchange in book.exchanges[name] if exchange.duration)
    assert sum(map(len, book.exchanges.values())) - len(book.exchanges[name]) <= 3
    assert book.closed == engine.counters().flows_opened
    assert engine.counters().consumers_failed == 0
