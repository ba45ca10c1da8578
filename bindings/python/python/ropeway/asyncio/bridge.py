"""A connection of the host's that has no socket to take over, such as one in TLS, made into a socket."""

from __future__ import annotations

import asyncio
import socket

__all__ = ["Bridge"]

_READ_SIZE = 65536


class Bridge:
    """Carries bytes between a transport and one end of a pair of sockets; the engine takes the other end, `far`.

    Neither direction holds more than one read: a side that does not take bytes makes the other one wait.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self.far, self._near = socket.socketpair()
        self._near.setblocking(False)
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._pending = b""
        self._loop.add_reader(self._near, self._outward)

    def feed(self, data: bytes) -> None:
        """The transport has received bytes."""
        self._pending += data
        self._inward()

    def pause(self) -> None:
        """The transport takes no more for now."""
        if self._near.fileno() >= 0:
            self._loop.remove_reader(self._near)

    def resume(self) -> None:
        """The transport takes bytes again."""
        if self._near.fileno() >= 0:
            self._loop.add_reader(self._near, self._outward)

    def close(self) -> None:
        """The transport has ended."""
        if self._near.fileno() >= 0:
            self._loop.remove_reader(self._near)
            self._loop.remove_writer(self._near)
            self._near.close()
        self.far.close()

    def _inward(self) -> None:
        try:
            while self._pending:
                self._pending = self._pending[self._near.send(self._pending) :]
        except BlockingIOError:
            self._transport.pause_reading()
            self._loop.add_writer(self._near, self._inward)
            return
        except OSError:
            # The engine has ended the connection; what is left to read says so.
            self._pending = b""
        self._loop.remove_writer(self._near)
        self._transport.resume_reading()

    def _outward(self) -> None:
        try:
            data = self._near.recv(_READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._transport.write(data)
        else:
            self._loop.remove_reader(self._near)
            self._transport.close()
