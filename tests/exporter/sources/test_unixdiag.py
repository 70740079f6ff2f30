"""Connections over Unix sockets, told by this kernel and from hostile bytes."""

import os
import socket
import struct
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.services.connects import WayKey
from exporter.services.operations import OTHER
from exporter.services.traffic import UNKNOWN
from exporter.services.unixedges import MOST_EDGES, UnixSocket, edges, ends
from exporter.sources.netlink import DiagSockets
from exporter.sources.sockdiag import DiagError
from exporter.sources.unixdiag import decode

SERVER, CLIENT = UnixSocket(2, True), UnixSocket(1, False)


def test_a_connection_is_between_who_connected_and_who_listens(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        client.connect(str(tmp_path / "s"))
        with closing(listener.accept()[0]) as accepted:
            with closing(DiagSockets()) as source:
                connected = ends(source.others().unix)
            client_inode, server_inode = (os.fstat(one.fileno()).st_ino for one in (client, accepted))

    assert connected[server_inode] == client_inode
    assert client_inode not in connected


def test_a_pair_without_names_has_no_server() -> None:
    assert ends({1: UnixSocket(2, False), 2: UnixSocket(1, False)}) == {}
    assert ends({1: SERVER, 2: CLIENT}) == {1: 2}
    assert ends({1: SERVER}) == {}, "its client is gone"


def test_connections_are_counted_between_services_not_within_one() -> None:
    services = {1: "postgres", 2: "shop", 3: "postgres", 4: "shop", 5: "postgres", 6: "postgres", 7: "postgres"}

    assert edges({1: 2, 3: 4, 5: 6, 7: 8}, services) == {
        WayKey("shop", "postgres"): 2,
        WayKey(UNKNOWN, "postgres"): 1,
    }


def test_too_many_edges_are_told_together() -> None:
    found = edges(dict.fromkeys(range(1, 301), 0), {number: f"service{number}" for number in range(301)})

    assert len(found) == MOST_EDGES + 1
    assert found[WayKey(OTHER, OTHER)] == 300 - MOST_EDGES


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_empty(buffer: bytes) -> None:
    try:
        decode(buffer, {})
    except (ValueError, DiagError):
        return


def test_a_broken_attribute_is_refused() -> None:
    body = struct.pack("=BBBBI8x", socket.AF_UNIX, socket.SOCK_STREAM, 1, 0, 7) + struct.pack("=HH", 3, 2)

    with pytest.raises(ValueError, match="attribute of 3 bytes"):
        decode(struct.pack("=IHHII", 16 + len(body), 20, 2, 1, 0) + body, {})
