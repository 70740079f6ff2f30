"""Whose sockets are: the services of their owners, of which only what changed is done again."""

from collections.abc import Iterable, Mapping


class Holdings:
    """Keeps the service of each socket's owner.

    Attributes:
        services: by inode; those of the last update.
    """

    def __init__(self) -> None:
        self.services: dict[int, str] = {}
        self._held: dict[int, str] = {}  # by PID

    def update(self, owners: Mapping[int, int], touched: Iterable[int], held: Mapping[int, str]) -> set[int]:
        """Return the inodes whose service is another one than before.

        Args:
            owners: the PID of each socket's owner by inode.
            touched: the inodes of which the owner changed, or became or ceased to be known.
            held: the service of each of these processes, where it has one.
        """
        moved = {pid for pid, _ in held.items() ^ self._held.items()}
        self._held = dict(held)
        wanted = set(touched)
        if moved:
            wanted.update(inode for inode, pid in owners.items() if pid in moved)
        return {inode for inode in wanted if self._credit(inode, held.get(owners.get(inode, -1)))}

    def _credit(self, inode: int, service: str | None) -> bool:
        """Take whose a socket is; return whether that is new."""
        if self.services.get(inode) == service:
            return False
        if service is None:
            del self.services[inode]
        else:
            self.services[inode] = service
        return True
