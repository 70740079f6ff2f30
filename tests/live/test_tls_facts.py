"""What the handshakes of a real TLS library show, by what its two sides say of them."""

import ssl
import subprocess
from pathlib import Path

import pytest

from exporter.model import TlsFacts
from tests.exporter.protocols.conversing import Step, client, converse, server
from tests.live.support import packages
from tests.live.test_nginx_protocols import certified, trusting

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
SEGMENT_BYTES = 1460


class Side:
    """One side, which writes into memory."""

    def __init__(self, context: ssl.SSLContext, name: str | None) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=name is None, server_hostname=name)

    def shake(self) -> bool:
        """Go as far as what has come allows; return whether the handshake is over."""
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True


def handshake(asking: Side, telling: Side) -> list[Step]:
    """Return the segments of a handshake."""
    steps: list[Step] = []
    over = False
    while not over:
        over = all([asking.shake(), telling.shake()])
        for side, other, made in ((asking, telling, client), (telling, asking, server)):
            data = side.outgoing.read()
            other.incoming.write(data)
            steps += [made(data[at : at + SEGMENT_BYTES]) for at in range(0, len(data), SEGMENT_BYTES)]
    return steps


def expiry(folder: Path) -> int:
    """Return until when the certificate of `certified` is valid, as OpenSSL's own command says."""
    tree = packages.with_programs("openssl")
    command = (tree.binary("openssl"), "x509", "-noout", "-enddate", "-in", folder / "certificate.pem")
    told = subprocess.run(command, check=True, capture_output=True, text=True, env=tree.environment({})).stdout
    return int(ssl.cert_time_to_seconds(told.partition("=")[2].strip()))


@pytest.mark.parametrize("version", VERSIONS, ids=lambda each: each.name)
@pytest.mark.parametrize("offered", [("h2", "http/1.1"), ("http/1.1",), ()])
def test_facts_are_what_both_sides_say(tmp_path: Path, version: ssl.TLSVersion, offered: tuple[str, ...]) -> None:
    certified(tmp_path)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    if offered:
        served.set_alpn_protocols(["h2", "http/1.1"])
    asking, telling = Side(trusting(version, *offered), "shop.example"), Side(served, None)
    kept = converse(handshake(asking, telling))
    (exchange,) = kept.exchanges
    assert exchange.request is not None
    assert exchange.response is not None
    in_clear = version is ssl.TLSVersion.TLSv1_2
    chosen = asking.tls.selected_alpn_protocol() or ""
    assert chosen == (offered[0] if offered else "")
    assert asking.tls.version() == telling.tls.version()
    assert exchange.request.tls == TlsFacts("shop.example")
    assert exchange.response.tls == TlsFacts(
        "shop.example", asking.tls.version() or "", chosen if in_clear else "", expiry(tmp_path) if in_clear else 0
    )
    assert (kept.protocols[0], exchange.response.failed) == ("tls", False)


def test_a_refused_version_is_an_error(tmp_path: Path) -> None:
    certified(tmp_path)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    served.minimum_version = ssl.TLSVersion.TLSv1_3
    asking, telling = Side(trusting(ssl.TLSVersion.TLSv1_2), "shop.example"), Side(served, None)
    asking.shake()
    hello = asking.outgoing.read()
    telling.incoming.write(hello)
    with pytest.raises(ssl.SSLError, match="protocol"):
        telling.tls.do_handshake()
    kept = converse([client(hello), server(telling.outgoing.read())])
    assert (kept.statuses(), kept.failures()) == (["protocol_version"], [True])
