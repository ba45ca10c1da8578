"""Where a server listens."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import socket
from collections.abc import Sequence
from typing import Any

__all__ = ["Address", "ListeningSocket", "Places"]

Address = tuple[str, int] | str
"""Host and port, or a Unix socket's path."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Places:
    """What `serve` was told of where to listen, and how."""

    host: str | Sequence[str] | None = None
    port: int | None = None
    family: int = socket.AF_UNSPEC
    flags: int = socket.AI_PASSIVE
    #: A Unix socket's.
    path: str | os.PathLike[str] | None = None
    #: A socket that is bound, and may listen already.
    sock: socket.socket | None = None
    backlog: int
    reuse_port: bool
    unix_mode: int | None
    max_per_address: int

    def __post_init__(self) -> None:
        if self.sock is not None and (self.host is not None or self.port is not None or self.path is not None):
            raise ValueError("sock= goes with no host, port or path")

    async def found(self) -> list[int | Address]:
        """What the engine is to listen at; port 0 is left to it."""
        if self.sock is not None:
            self.sock.listen(self.backlog)
            return [self.sock.fileno()]
        if self.path is not None:
            return [os.fspath(self.path)]
        hosts = [self.host or None] if isinstance(self.host, str | None) else self.host
        addresses: dict[Address, None] = {}
        for host in hosts:
            found = await asyncio.get_running_loop().getaddrinfo(
                host, self.port or 0, family=self.family, type=socket.SOCK_STREAM, flags=self.flags
            )
            addresses |= {(str(info[4][0]), int(info[4][1])): None for info in found}
        return list(addresses)

    def close(self) -> None:
        """Closes the socket that was given."""
        if self.sock is not None:
            self.sock.close()


class ListeningSocket:
    """A listener's address; the descriptor itself belongs to the engine."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self.type = socket.SOCK_STREAM
        if isinstance(address, str):
            self.family = socket.AF_UNIX
        else:
            self.family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET

    def getsockname(self) -> Any:
        """Host and port, or a Unix socket's path."""
        return self._address
