"""Certificates as a real toolkit makes them."""

import ssl
import subprocess
from pathlib import Path

import pytest

from exporter.protocols.tls_certificate import first_certificate, not_after
from tests.exporter.protocols.conversing import Step, converse
from tests.exporter.protocols.samples_tls import FULL_12, FULL_13, TLS12, message, record

MADE = ("openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=x")


def certificate(folder: Path, *options: str) -> bytes:
    pem = folder / "cert.pem"
    subprocess.run([*MADE, *options, "-keyout", folder / "key.pem", "-out", pem], check=True, capture_output=True)
    return ssl.PEM_cert_to_DER_cert(pem.read_text())


def shown(der: bytes) -> bytes:
    """Return the body of the message that shows a certificate and another one."""
    chain = len(der).to_bytes(3, "big") + der + b"\0\0\2zz"
    return len(chain).to_bytes(3, "big") + chain


@pytest.mark.parametrize("days", [30, 20_000])  # the latter beyond 2049, in the other form of time
def test_expiry_is_what_openssl_says(tmp_path: Path, days: int) -> None:
    der = certificate(tmp_path, "-days", str(days))
    said = subprocess.run(
        ["openssl", "x509", "-in", tmp_path / "cert.pem", "-noout", "-enddate"],
        check=True,
        capture_output=True,
        text=True,
    )
    expiry = ssl.cert_time_to_seconds(said.stdout.strip().removeprefix("notAfter="))
    assert not_after(first_certificate(shown(der))) == expiry


@pytest.mark.parametrize("size", range(0, 400, 7))
def test_certificate_that_is_cut_or_none_says_nothing_false(tmp_path: Path, size: int) -> None:
    assert not_after(bytes(range(256))[: size % 256]) == 0
    assert not_after(b"\x30\x82\xff\xff" * size) == 0


def test_handshake_before_1_3_tells_it_and_1_3_does_not(tmp_path: Path) -> None:
    der = certificate(tmp_path, "-days", "30")
    flight = record(22, TLS12 + message(11, shown(der))[:300]) + record(
        22, message(11, shown(der))[300:] + message(14, b"")
    )
    seen = converse((FULL_12[0], Step(1, flight), *FULL_12[2:])).exchanges[0].response
    hidden = converse(FULL_13).exchanges[0].response
    assert seen is not None
    assert hidden is not None
    assert seen.tls is not None
    assert hidden.tls is not None
    assert (seen.tls.not_after, hidden.tls.not_after) == (not_after(der), 0)
