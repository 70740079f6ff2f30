"""gRPC's own client, as Debian ships it for Python, asks etcd from far away: calls, errors and median by its clock."""

import json
import sys
from pathlib import Path

import pytest

from tests.live.support import packages, stack
from tests.live.support.agreement import Known, assert_agrees
from tests.live.support.counted import Counted
from tests.live.support.distance import far_away
from tests.live.support.processes import Command, running
from tests.live.support.seen import UNSHED
from tests.live.test_etcd import etcd

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(120),
    pytest.mark.usefixtures("capturing"),
    pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="Debian's module is compiled for Python 3.11"),
]
CALLS, REFUSED = 300, 9
# Messages by hand: a key's range, and a role that does not exist. Stays, as who has left cannot be named.
SCRIPT = """
import json, signal, statistics, sys, time
sys.path.append(sys.argv[2])
import grpc

channel = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}")
read = channel.unary_unary("/etcdserverpb.KV/Range", request_serializer=bytes, response_deserializer=bytes)
role = channel.unary_unary("/etcdserverpb.Auth/RoleGet", request_serializer=bytes, response_deserializer=bytes)
took, refused = [], 0
for number in range(int(sys.argv[3])):
    begun = time.perf_counter()
    read(b"\\x0a\\x06secret")
    took.append(time.perf_counter() - begun)
for number in range(int(sys.argv[4])):
    try:
        role(b"\\x0a\\x06nobody")
    except grpc.RpcError:
        refused += 1
print(json.dumps({"requests": len(took) + refused, "errors": refused, "median": statistics.median(took)}), flush=True)
signal.pause()
"""


def test_calls_take_what_the_client_measures(tmp_path: Path) -> None:
    tree = packages.with_package("python3-grpcio")
    program, said = tmp_path / "shop_calls.py", tmp_path / "client.log"
    program.write_text(SCRIPT)
    with (
        stack.exporter(tmp_path, *UNSHED) as exporter,
        etcd(tmp_path) as store,
        far_away(tmp_path, store.port) as far,
    ):
        arguments = (sys.executable, program, far, tree.root / "usr/lib/python3/dist-packages", CALLS, REFUSED)
        client = Command(tuple(map(str, arguments)), said, tree.environment({}))
        with running(client, lambda: "median" in said.read_text()):
            told = json.loads(said.read_text().splitlines()[-1])
            own = Counted(told["requests"], told["errors"], told["median"])
            seen = assert_agrees(exporter, store.port, Known("etcd", "grpc", own, far))
    assert (own.requests, own.errors) == (CALLS + REFUSED, REFUSED)
    assert "secret" not in seen.page
