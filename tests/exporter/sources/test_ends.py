"""What is changed step by step is what would be found from nothing."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Endpoint
from exporter.services.holdings import Holdings
from exporter.services.view import Ends, Listener
from exporter.sources.ends import SocketIndex
from exporter.sources.sockets import Socket, SocketLook, compared

SERVICES = ("shop", "till", "")  # the last has no name
NUMBERS = st.integers(1, 6)
CHANGE = st.tuples(NUMBERS, st.sampled_from(("open", "close", "accept", "own", "disown", "rename")), NUMBERS)


def socket(key: int) -> Socket:
    """Return a socket of which nobody knows the file yet; every third one listens."""
    listening = key % 3 == 0
    ends = Endpoint("10.0.0.1", 1000 + key), Endpoint("*" if listening else "10.0.0.2", 0 if listening else 80)
    return Socket("udp" if key == 5 else "tcp", listening, *ends, inode=0, uid=0)


class World:
    """Sockets, their owners and the owners' names."""

    def __init__(self) -> None:
        self.sockets: dict[int, Socket] = {}
        self.owners: dict[int, int] = {}  # by inode
        self.touched: set[int] = set()
        self.names: dict[int, str] = {}  # by PID

    def change(self, key: int, what: str, number: int) -> None:
        inode = 100 + key
        if what == "open":
            self.sockets[key] = socket(key)
        elif what == "close":
            self.sockets.pop(key, None)
            self._disown(inode)
        elif what == "accept" and key in self.sockets:
            self.sockets[key] = replace(self.sockets[key], inode=inode)
        elif what == "own" and key in self.sockets and self.sockets[key].inode:
            self.owners[inode] = number
            self.touched.add(inode)
        elif what == "disown":
            self._disown(inode)
        elif what == "rename":
            self.names[number] = SERVICES[key % len(SERVICES)]

    def _disown(self, inode: int) -> None:
        if self.owners.pop(inode, None) is not None:
            self.touched.add(inode)

    def named(self) -> dict[int, str]:
        """Return the service of each process that owns a socket and has one."""
        return {pid: self.names[pid] for pid in set(self.owners.values()) if self.names.get(pid)}

    def service(self, one: Socket) -> str:
        return self.named().get(self.owners.get(one.inode, 0), "")


@given(steps=st.lists(st.lists(CHANGE, max_size=6), max_size=8))
def test_changes_add_up(steps: list[list[tuple[int, str, int]]]) -> None:
    world, index, holdings = World(), SocketIndex(), Holdings()
    before: dict[int, Socket] = {}
    asked: set[int] = set()
    for step in steps:
        for key, what, number in step:
            world.change(key, what, number)
        index.take(compared(before, dict(world.sockets)))
        before = dict(world.sockets)
        asked = (asked | index.came) - index.left
        touched, world.touched = world.touched, set()
        index.attribute(before, holdings.services, holdings.update(world.owners, touched, world.named()))

        assert asked == {one.inode for one in before.values() if one.inode}
        owned = [one for one in before.values() if world.service(one)]
        assert index.listeners == {
            Listener(one.transport, one.local.address, one.local.port): world.service(one)
            for one in owned
            if one.listening
        }
        assert index.connections == {
            Ends(one.local, one.remote): world.service(one)
            for one in owned
            if not one.listening and one.transport == "tcp"
        }


def test_an_unchanged_connection_is_not_told_as_changed() -> None:
    index, services = SocketIndex(), {101: "shop"}
    one = replace(socket(1), inode=101)
    index.take(compared({}, {1: one}))
    index.attribute({1: one}, services, {101})
    assert index.changed == {1}
    connections = index.connections
    index.take(SocketLook({1: one}))
    index.attribute({1: one}, services, {101})

    assert not index.changed
    assert index.connections is connections
