"""What is done for connections while no thread waits on them: pings are answered and sent, time-outs run."""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connection import Connection

INTERVAL = 0.25
"""Seconds between two looks. A look at a connection on which a thread waits costs next to nothing."""


class Keeper:
    """One thread for all connections of the process; it is there as long as there are any."""

    def __init__(self) -> None:
        self._connections: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._changed = threading.Event()

    def keep(self, connection: Connection) -> None:
        """Looks after a connection until it has ended."""
        with self._lock:
            self._connections.add(connection)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ropeway-keeper", daemon=True)
                self._thread.start()

    def leave(self, connection: Connection) -> None:
        """The connection has ended, and its socket is closed."""
        with self._lock:
            self._connections.discard(connection)
            if self._connections:
                return
        self._changed.set()

    def _run(self) -> None:
        while True:
            self._changed.wait(INTERVAL)
            self._changed.clear()
            with self._lock:
                connections = list(self._connections)
                if not connections:
                    self._thread = None
                    return
            for connection in connections:
                if not connection._tend():
                    self.leave(connection)
            # Nothing of this round keeps a connection alive that its user has dropped.
            del connections
            connection = None  # type: ignore[assignment]


keeper = Keeper()


def _after_fork() -> None:
    # The thread is not in the child, and the parent's connections are not the child's.
    keeper.__init__()  # type: ignore[misc]


os.register_at_fork(after_in_child=_after_fork)
