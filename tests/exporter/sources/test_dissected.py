"""Captures of rare link types, read with scapy's help."""

import io
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.dot11 import Dot11, PrismHeader
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import LLC, SNAP, CookedLinux, Ether, MPacketPreamble
from scapy.layers.ppi import PPI
from scapy.packet import Packet, Raw

from exporter import replay
from exporter.net.engine import Engine
from exporter.net.links import LINKS
from exporter.sources.dissected import Dissecting, Scapy, load_scapy
from exporter.sources.pcapfile import feed
from tests.exporter.net.packets import Opened

SNAPPED = LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(code=0x800)
HEADS: dict[int, Packet] = {
    119: PrismHeader() / Dot11(type=2, FCfield=1) / SNAPPED,
    144: CookedLinux(proto=0x800),
    192: PPI(dlt=105) / Dot11(type=2, FCfield=1) / SNAPPED,
    274: MPacketPreamble() / Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02"),
}


def frames(link: int) -> list[bytes]:
    """Return a question and its answer in frames of the link type."""
    ask = IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=40000, dport=80, seq=1, ack=1, flags="PA") / Raw(b"ask")
    tell = IP(src="10.0.0.2", dst="10.0.0.1") / TCP(sport=80, dport=40000, seq=1, ack=4, flags="PA") / Raw(b"answer")
    return [bytes(HEADS[link] / packet) for packet in (ask, tell)]


def pcap(link: int, packets: list[bytes], missing: int = 0) -> bytes:
    """Return a classic capture; of each packet the last bytes are missing."""
    parts = [struct.pack("<IHHIIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, link)]
    for number, packet in enumerate(packets):
        kept = packet[: len(packet) - missing]
        parts.append(struct.pack("<IIII", 5, number * 1000, len(kept), len(packet)) + kept)
    return b"".join(parts)


def delivered(capture: bytes) -> tuple[Engine, Opened]:
    """Feed a capture to an engine."""
    opened = Opened()
    engine = Engine(opened)
    feed(io.BytesIO(capture), Dissecting(engine))
    return engine, opened


@pytest.mark.parametrize("link", HEADS)
def test_segments_are_found_in_frames_of_link_type(link: int) -> None:
    _, opened = delivered(pcap(link, frames(link)))
    (consumer,) = opened.consumers
    assert {consumer.bytes(0), consumer.bytes(1)} == {b"ask", b"answer"}
    assert consumer.flow.server.port == 80


def test_what_was_not_captured_is_counted_as_missing() -> None:
    _, opened = delivered(pcap(144, frames(144), missing=2))
    (consumer,) = opened.consumers
    assert sorted(len(consumer.bytes(side)) for side in (0, 1)) == [3, 6]
    assert {consumer.bytes(side)[:1] for side in (0, 1)} == {b"a"}


def test_usual_link_types_do_not_import_scapy() -> None:
    code = (
        "import sys; from exporter import replay; "
        "replay.main([sys.argv[1], '--json']); sys.exit('scapy' in sys.modules)"
    )
    capture = Path(__file__).parents[2] / "pcaps" / "redis.pcap"
    assert subprocess.run([sys.executable, "-c", code, capture], check=False, capture_output=True).returncode == 0


def test_link_types_that_nobody_knows_are_one_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "usb.pcap"
    file.write_bytes(pcap(189, [bytes(70)] * 3))
    assert replay.main([str(file), "--json"]) == 1
    said = capsys.readouterr()
    assert said.out == '{"endpoints": []}\n'
    assert said.err == f"larimar replay: {file}: link types that are not known were left out: 189 (3 packets)\n"


def test_without_scapy_rare_link_types_are_not_known() -> None:
    engine = Engine(Opened())
    sink = Dissecting(engine, load=lambda: Scapy({}, ()))
    feed(io.BytesIO(pcap(144, frames(144))), sink)
    assert sink.unknown == {144: 2}
    assert engine.counters().malformed["link_type"] == 2


@given(link=st.sampled_from(sorted(load_scapy().dissectors.keys() - LINKS)), data=st.binary(max_size=200))
def test_hostile_bytes_never_raise(link: int, data: bytes) -> None:
    engine, _ = delivered(pcap(link, [data]))
    assert engine.counters().packets == 1
