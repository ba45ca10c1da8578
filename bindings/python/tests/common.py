"""What several tests need."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import ropeway
import ropeway.sync
from ropeway import ClientConnection, ServerConnection

WAIT = 60
"""Seconds after which a thread has hung."""


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def wait_closed(connection: ServerConnection) -> None:
    await connection.wait_closed()


def uri(server: ropeway.Server, path: str = "/") -> str:
    return f"ws://127.0.0.1:{server.port}{path}"


def threads_echo(connection: Any) -> None:
    for message in connection:
        connection.send(message)


@contextlib.contextmanager
def serving(handler: Callable[[Any], None] = threads_echo, **arguments: Any) -> Iterator[ropeway.sync.Server]:
    """A server in a thread; none is left."""
    with running(ropeway.sync.serve(handler, "127.0.0.1", 0, **arguments)) as server:
        yield server


@contextlib.contextmanager
def running(server: ropeway.sync.Server) -> Iterator[ropeway.sync.Server]:
    """The same for one that is made."""
    with server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(WAIT)
    assert not thread.is_alive()


@contextlib.asynccontextmanager
async def pair(
    client: dict[str, Any] | None = None, server: dict[str, Any] | None = None
) -> AsyncIterator[tuple[ClientConnection, ServerConnection]]:
    """A client's connection and its server's; the server's handler waits until the connection is closed."""
    accepted: asyncio.Future[ServerConnection] = asyncio.get_running_loop().create_future()

    async def handler(connection: ServerConnection) -> None:
        accepted.set_result(connection)
        await connection.wait_closed()

    async with ropeway.serve(handler, "127.0.0.1", 0, **(server or {})) as listening:
        async with ropeway.connect(uri(listening), **(client or {})) as connection:
            yield connection, await accepted


@contextlib.asynccontextmanager
async def raw_server(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A bare TCP server; its URI."""
    ended: list[asyncio.Task[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        ended.append(task)
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        await asyncio.gather(*ended, return_exceptions=True)
