"""Sockets that `connect` makes itself where the engine's own dialling is not wanted."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

__all__ = ["connected", "connected_unix"]


async def connected(host: str, port: int, **how: Any) -> socket.socket:
    """A TCP connection made as `loop.create_connection` does by `how`, its keyword arguments."""
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, host, port, **how)
    # The server speaks second, so that nothing can be read before the transport lets go of the socket.
    try:
        return socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
    finally:
        transport.abort()


async def connected_unix(path: str | os.PathLike[str]) -> socket.socket:
    """A connection to a Unix socket; a path that begins with a NUL is abstract."""
    made = socket.socket(socket.AF_UNIX)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, os.fspath(path))
    except BaseException:
        made.close()
        raise
    return made
